module github.com/ringway/ringway/bench/peers/lfq

go 1.26.0

require (
	code.hybscloud.com/lfq v0.1.3
	github.com/ringway/ringway v0.0.0
)

require (
	code.hybscloud.com/atomix v0.1.2 // indirect
	code.hybscloud.com/iox v0.3.3 // indirect
	code.hybscloud.com/spin v0.1.5 // indirect
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

// For what all programs have in common: rivals are timed as Ringway is.
replace github.com/ringway/ringway => ../../..
