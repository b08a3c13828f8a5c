package bench

import "github.com/ringway/ringway/bench/limits"

// Ringway is our engine's name in reports.
const Ringway = "ringway"

// Document is what --json writes. The field names are stable.
type Document struct {
	Machine Machine  `json:"machine"`
	Date    string   `json:"date,omitempty"` // RFC 3339
	Results []Result `json:"results"`
}

// Result is one measurement, or one replay.
type Result struct {
	Engine  string `json:"engine"`            // ringway, or a rival's name
	Case    string `json:"case,omitempty"`    // compare: the stable word for what was compared
	Title   string `json:"title,omitempty"`   // the case, for people
	About   string `json:"about,omitempty"`   // what is to be known about it
	Class   string `json:"class,omitempty"`   // a rival's kind: C++, Go, messaging or system
	Between string `json:"between,omitempty"` // a rival's: threads, or processes as ours is
	Metric  string `json:"metric,omitempty"`  // the field by which engines are compared

	// Against is ours against the best rival, or against all of them in turn.
	Against *Against  `json:"against,omitempty"`
	Others  []Against `json:"others,omitempty"`
	Missing string    `json:"missing,omitempty"` // why there is no figure

	Topology     string  `json:"topology"`  // spsc
	Transport    string  `json:"transport"` // shm
	Mode         string  `json:"mode"`      // latency, throughput or replay
	Wait         string  `json:"wait"`      // the wait strategy
	Producers    int     `json:"producers"`
	Consumers    int     `json:"consumers"`
	MessageBytes int     `json:"message_bytes"` // of each message; replay: the mean
	Batch        int     `json:"batch"`         // messages a call
	Capacity     int     `json:"capacity_bytes"`
	Messages     int64   `json:"messages"`
	Bytes        int64   `json:"bytes"`
	Seconds      float64 `json:"seconds"`
	MsgsPerSec   float64 `json:"msgs_per_sec"`
	BytesPerSec  float64 `json:"bytes_per_sec"`
	RTT          *RTT    `json:"rtt_ns,omitempty"`     // latency: there and back
	OneWay       *RTT    `json:"latency_ns,omitempty"` // paced: from when a message was due until it arrived
	Rate         float64 `json:"rate,omitempty"`       // paced: messages a second that were due
	Burst        int     `json:"burst,omitempty"`      // paced: as many at a time
	Lease        bool    `json:"lease,omitempty"`      // written and read in place, without copies
	Dozing       *Dozing `json:"dozing,omitempty"`     // wakeup: of a receiver that waits most of the time
	AllocsPerOp  float64 `json:"allocs_per_op"`        // heap allocations a message, both processes
	Cast         *Cast   `json:"broadcast,omitempty"`  // broadcast: what became of the messages

	Limit *Limit `json:"limit,omitempty"`
	Rival *Rival `json:"rival,omitempty"`

	Runs      int     `json:"runs,omitempty"`      // runs that count; rates are those of the median run, times of all of them
	Discarded int     `json:"discarded,omitempty"` // runs thrown away because the machine changed its speed meanwhile
	Unsettled int     `json:"unsettled,omitempty"` // runs that count although it did
	Spread    float64 `json:"spread,omitempty"`    // distance of the quartiles / median of the runs that count

	// Histogram holds all times of rtt_ns or latency_ns, as a string in
	// HdrHistogram's compressed format, in nanoseconds.
	Histogram *limits.Histogram `json:"histogram,omitempty"`

	File     string `json:"file,omitempty"`   // replay: what was sent
	Format   string `json:"format,omitempty"` // replay: as which format
	Sent     string `json:"sent_xxhash64,omitempty"`
	Received string `json:"received_xxhash64,omitempty"`
}

// Cast says what became of the messages of a broadcast ring, all subscribers
// together.
type Cast struct {
	Lossless bool  `json:"lossless"`
	ReadOnly bool  `json:"read_only"` // the subscribers' mapping
	Received int64 `json:"received"`
	Missed   int64 `json:"missed"`

	Each []Heard `json:"each,omitempty"` // replay
}

// RTT are percentiles of a round trip, in nanoseconds.
type RTT struct {
	Min   int64 `json:"min"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p999"`
	P9999 int64 `json:"p9999"`
	Max   int64 `json:"max"`
}

// Limit is what physics allows, measured in the same run: a round trip in
// nanoseconds, or bytes per second.
type Limit struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Ratio is the figure over the limit: for a round trip at least 1, for
	// throughput at most 1; the closer to 1 the better.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"low,omitempty"`  // the median of all runs is at least this, with 99 % certainty
	High  float64 `json:"high,omitempty"` // and at most this
	// Target is the ratio that we want to reach, and Reached whether it was:
	// "yes", "no", or "undecided" when the runs don't agree.
	Target  float64 `json:"target,omitempty"`
	Reached string  `json:"reached,omitempty"`
	// Exceeded says that the figure is better than the limit, which therefore
	// was none: two cores can copy more than one, and a ring's two directions
	// needn't fight for a line as those of the raw round trip do.
	Exceeded bool `json:"exceeded,omitempty"`
}

// Against compares ours with another engine, by pairs of slices that were made in
// turn while the machine was in one regime.
type Against struct {
	Engine  string  `json:"engine"`
	Ratio   float64 `json:"ratio"`  // the median of the pairs; more than 1 is better for us, whatever the unit
	Spread  float64 `json:"spread"` // distance of the quartiles / median of the pairs
	Low     float64 `json:"low"`    // the median of all pairs is at least this, with 99 % certainty
	High    float64 `json:"high"`   // and at most this; of fewer than eight pairs, the least and the greatest
	Rounds  int     `json:"rounds"` // how many pairs
	Verdict string  `json:"verdict"`
	P50     int64   `json:"p50_ns,omitempty"`  // the other one's; wakeup only
	Dozing  *Dozing `json:"dozing,omitempty"`  // of ringway with another strategy; wakeup only
	Missing string  `json:"missing,omitempty"` // why there is no figure; wakeup only
	// Target is the ratio that we want to reach, and Reached whether it was:
	// "yes", "no", or "undecided" when it can be either.
	Target  float64 `json:"target,omitempty"`
	Reached string  `json:"reached,omitempty"`
}

// Rival is another engine that did the same work, by turns with ours.
type Rival struct {
	Engine     string  `json:"engine"`
	MsgsPerSec float64 `json:"msgs_per_sec"`
	P50        int64   `json:"p50_ns,omitempty"`
	Ratio      float64 `json:"ratio"` // ours over the rival's; more than 1 is better for us
	Missing    string  `json:"missing,omitempty"`
}
