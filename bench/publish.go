package bench

import "context"

// What subscribers cost a publisher who are there and sleep: it publishes as fast
// as it can, they have attached and do nothing. Beside it the same is measured
// with nobody attached.

// slumber is the part of a subscriber that sleeps: it is in the kernel, waiting
// for its parent, until the next turn.
func (s *team) slumber(ctx context.Context) (found part, err error) {
	if err := s.meet(ctx); err != nil {
		return found, err
	}
	s.run++
	s.words.Add64(offEnded, 1)
	return found, nil
}

// publishContenders are what a publisher with sleeping subscribers is measured
// beside.
func publishContenders(o RunOptions) []Contender {
	o.Consumers, o.ReadOnly, o.detached = 1, false, true
	return []Contender{variant{nobody, o}.contender(o.Duration)}
}

// nobody is what a publisher without subscribers is called in reports.
const nobody = "nobody attached"
