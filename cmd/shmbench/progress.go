package main

import (
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress shows on a terminal how far long work is, and nothing elsewhere.
type progress struct{ p *mpb.Progress }

func newProgress() *progress {
	w := io.Discard
	if term.IsTerminal(int(os.Stderr.Fd())) {
		w = os.Stderr
	}
	return &progress{mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))}
}

// bar is the progress of one piece of work.
type bar struct{ b *mpb.Bar }

func (p *progress) bar(title string) bar {
	return bar{p.p.AddBar(0,
		mpb.PrependDecorators(decor.Name(title, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), decor.Elapsed(decor.ET_STYLE_MMSS, decor.WCSyncSpace)),
		mpb.BarRemoveOnComplete(),
	)}
}

func (b bar) set(done, all int64) {
	b.b.SetTotal(all, false)
	b.b.SetCurrent(done)
}

// done ends the bar, one way or the other.
func (b bar) done(err error) {
	if err != nil {
		b.b.Abort(true)
		return
	}
	b.b.SetTotal(-1, true)
}

// wait returns when everything is drawn.
func (p *progress) wait() { p.p.Wait() }
