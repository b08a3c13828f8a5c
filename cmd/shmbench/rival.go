package main

import (
	"strings"

	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/bench/rivals"
)

func rivalNames() string {
	var names []string
	for _, e := range rivals.Engines() {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}

// rivalNamed returns what measures a rival at what o says.
func rivalNamed(name string, o bench.RunOptions) (bench.Contender, error) {
	e, err := rivals.Find(name)
	if err != nil {
		return bench.Contender{}, err
	}
	t := o.Task()
	if err := e.Can(t); err != nil {
		return bench.Contender{}, err
	}
	return bench.Rivalling(e, t), nil
}
