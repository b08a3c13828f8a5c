package bench

// Document is what --json writes. The field names are stable.
type Document struct {
	Machine Machine  `json:"machine"`
	Results []Result `json:"results"`
}

// Result is one measurement, or one replay.
type Result struct {
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
	RTT          *RTT    `json:"rtt_ns,omitempty"` // latency only
	AllocsPerOp  float64 `json:"allocs_per_op"`    // heap allocations a message, both processes

	Limit *Limit `json:"limit,omitempty"`
	Rival *Rival `json:"rival,omitempty"`

	Runs      int     `json:"runs,omitempty"`      // runs that count; the figures are those of the median run
	Discarded int     `json:"discarded,omitempty"` // runs thrown away because the machine changed its speed meanwhile
	Spread    float64 `json:"spread,omitempty"`    // (slowest - fastest) / median of the runs that count

	File     string `json:"file,omitempty"`   // replay: what was sent
	Format   string `json:"format,omitempty"` // replay: as which format
	Sent     string `json:"sent_xxhash64,omitempty"`
	Received string `json:"received_xxhash64,omitempty"`
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
}

// Rival is another engine that did the same work, by turns with ours.
type Rival struct {
	Engine     string  `json:"engine"`
	MsgsPerSec float64 `json:"msgs_per_sec"`
	Ratio      float64 `json:"ratio"` // ours over the rival's; more than 1 is better for us
	Missing    string  `json:"missing,omitempty"`
}
