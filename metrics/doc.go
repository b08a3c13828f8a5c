// Package metrics shows rings to Prometheus: those of the program itself, or
// all sections of the machine, seen from outside.
//
// A scrape maps the sections read-only and reads what their participants have
// counted into them; see ring.Counter. It asks nobody for anything, so it works
// for programs that hang or are dead, and costs those that live no more than a
// cache line now and then.
//
// # Labels
//
// Each series of a ring has the labels ring (its name), topology (spsc, mpmc, broadcast) and
// transport (shm). There are at most Limit rings in a scrape, the oldest, so
// that a program which makes sections without end can't make series without end
// in one scrape; how many were left out is a metric. Names are those that shm
// accepts, which have nothing in them that a label could break at.
//
// # Names
//
//	ringway_sections{status}                   sections by what is right or wrong with them, events and semaphores among them
//	ringway_sections_unreported                good rings beyond the limit
//	ringway_scrape_success                     1 if the sections could be listed
//	ringway_scrape_duration_seconds            how long looking at all of them took
//	ringway_ring_capacity_bytes                bytes of frames that the ring holds
//	ringway_ring_depth_bytes                   bytes of frames that wait to be received: the lag; 0 in a broadcast ring that waits for nobody
//	ringway_ring_lag_messages                  broadcast: messages that the subscriber furthest behind has not received
//	ringway_ring_moved_bytes_total             bytes of frames, headers and padding included, that ever went in
//	ringway_ring_ended                         1 if the end was declared
//	ringway_ring_created_timestamp_seconds     when the ring was created
//	ringway_ring_participants{role,state}      who is attached, alive or dead
//	ringway_ring_dropped_messages_total        messages given up because each of their consumers died
//	ringway_ring_…_total                       the counters of all participants together
//	ringway_ring_latency_seconds               histogram: from being sent to being handed out
//	ringway_ring_wakeup_seconds                histogram: of receivers, from being woken to being awake
//
// A subscriber says where it is in its entry of the section's table. One that has
// mapped a ring read-only has none: its lag, what it has received and what it
// missed are seen only in its own program, by NewRings of the Ring that it was made
// from. Where nobody's lag is known there is no ringway_ring_lag_messages.
//
// Rings have the histograms if their creator wanted messages timed: see
// ringway.SampleLatency.
//
// [Connections] has its own. The directory monitoring holds a Grafana dashboard and
// alert rules over all of them.
package metrics
