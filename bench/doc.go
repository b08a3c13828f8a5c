// Package bench measures Ringway: it is what the command shmbench is made of.
//
// Whatever is measured runs in child processes of this program, started anew
// for it and pinned to two cores, which talk through the public API of package
// ringway, as a user's programs would:
//
//	parent (Run, Compare, Replay, Tour)
//	  │ creates the rings, starts the children, collects and reports
//	  ├── child A ══ ring ══> child B        the workload
//	  └──   └──── raw memory ────┘           its physical limit, same cores,
//	                                         same bytes, just before and after
//
// A virtual machine changes its speed by factors within seconds. So what is
// compared runs in slices of some 40 ms: all engines are started once, sleep, and
// take turns, a probe of the raw round trip between any two. A slice is thrown away,
// and counted, when the probes before and after it differ; the limit is measured
// inside the same bracket. See package limits. Ratios are made of pairs of slices
// whose four probes agree. There are dozens of them, reported is the median, and a
// winner is called only when it is certain on which side that lies.
//
// Times are collected in HdrHistograms. A paced run sends by a schedule that
// nothing moves and times each message from when it was due, so a hold-up shows
// in all messages that had to wait for it (no coordinated omission).
//
// Compare runs cases: what we do, what physics allows and what rivals do, by
// turns. To add to it:
//
//	a mode    a line in workloads (turns.go) and its two or three functions
//	a case    a line in Cases (cases.go)
//	a rival   a line in engines of package rivals, and a program that it runs
//	a plot    a function in curves.go
//
// A program that uses this package must call [Main] first thing, since it is
// its own child.
package bench
