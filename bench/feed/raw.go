package feed

func (f *Feed) openRaw(record int) error {
	if record <= 0 {
		return f.unfit("records of %d bytes: give their size with --record", record)
	}
	f.cut, f.size, f.unit = cutFixed, int64(record), int64(record)
	return nil
}

// cutFixed cuts records of f.size bytes. The last may be shorter if it consists
// of whole units: WAV frames; a Raw record is one unit. f.end may be past the
// file where a header promises more than there is, and what is missing then
// belongs to the record that it would have completed.
func cutFixed(f *Feed, off int64) (span, error) {
	want := min(f.size, f.end-off)
	if want -= want % f.unit; want == 0 {
		want = f.unit
	}
	if have := min(f.end, int64(len(f.data))) - off; have < want {
		return span{}, f.torn(off, want, have, "a record")
	}
	return span{off, off + want, off + want}, nil
}
