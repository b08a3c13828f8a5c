module github.com/ringway/ringway/bench/peers/mangos

go 1.26.0

require (
	github.com/ringway/ringway v0.0.0
	go.nanomsg.org/mangos/v3 v3.4.2
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/Microsoft/go-winio v0.5.2 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

// For what all programs have in common: rivals are timed as Ringway is.
replace github.com/ringway/ringway => ../../..
