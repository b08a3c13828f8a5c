module github.com/ringway/ringway/bench/peers/disruptor

go 1.26.0

require (
	github.com/ringway/ringway v0.0.0
	github.com/smarty/go-disruptor v0.5.0
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

// For what all programs have in common: rivals are timed as Ringway is.
replace github.com/ringway/ringway => ../../..
