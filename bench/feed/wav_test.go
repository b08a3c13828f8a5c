package feed_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

func chunk(id, body string) string {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	if len(body)%2 == 1 {
		body += "\x00"
	}
	return string(b) + body
}

// sized is a chunk whose header gives another size than its body has.
func sized(id string, size uint32, body string) string {
	return string(binary.LittleEndian.AppendUint32([]byte(id), size)) + body
}

// pcm is a fmt chunk's body for frames of align bytes: 16 bits, 48 kHz.
func pcm(align int) string {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, 1)
	b = le.AppendUint16(b, uint16(align/2))
	b = le.AppendUint32(b, 48000)
	b = le.AppendUint32(b, uint32(48000*align))
	b = le.AppendUint16(b, uint16(align))
	return string(le.AppendUint16(b, 16))
}

func wavFile(chunks ...string) []byte {
	body := "WAVE" + strings.Join(chunks, "")
	return []byte(sized("RIFF", uint32(len(body)), body))
}

func TestAWAVMessageIsAPeriodOfFrames(t *testing.T) {
	data := wavFile(chunk("fmt ", pcm(4)), chunk("data", "aaaabbbbccccddddeeee"))
	f, err := feed.NewFeed(data, "test", feed.Options{Period: 2})
	if err != nil {
		t.Fatal(err)
	}
	recs, err := records(t, f)
	want(t, recs, "aaaabbbb", "ccccdddd", "eeee")
	if err != nil {
		t.Error(err)
	}
	if len(f.Header()) != 44 || f.Format() != feed.WAV {
		t.Errorf("a header of %d bytes in %s, want 44 in wav", len(f.Header()), f.Format())
	}
}

func TestAPeriodIsSixtyFourFramesUnlessToldOtherwise(t *testing.T) {
	samples := strings.Repeat("aabb", 100)
	recs, err := read(t, wavFile(chunk("fmt ", pcm(4)), chunk("data", samples)), feed.Options{})
	want(t, recs, samples[:256], samples[256:])
	if err != nil {
		t.Error(err)
	}
}

func TestChunksAroundTheFormatAndTheSamplesAreSteppedOver(t *testing.T) {
	extensible := "\xfe\xff" + pcm(6)[2:] + "\x16\x00" + strings.Repeat("x", 22)
	data := wavFile(chunk("JUNK", "odd"), chunk("fmt ", extensible), chunk("LIST", "a"), chunk("fact", ""),
		chunk("data", "ffffffgggggghhhhhh"), chunk("LIST", "no samples"))
	recs, err := read(t, data, feed.Options{Period: 2})
	want(t, recs, "ffffffgggggg", "hhhhhh")
	if err != nil {
		t.Error(err)
	}
}

func TestAStreamedWAVGoesOnToTheEndOfTheFile(t *testing.T) {
	for _, size := range []uint32{0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000} {
		body := "WAVE" + chunk("fmt ", pcm(2)) + sized("data", size, "aabbcc")
		recs, err := read(t, []byte(sized("RIFF", size, body)), feed.Options{Period: 2})
		want(t, recs, "aabb", "cc")
		if err != nil {
			t.Errorf("size %#x: %v", size, err)
		}
	}
}

func TestAnEmptyRecordingHasNoMessages(t *testing.T) {
	recs, err := read(t, wavFile(chunk("fmt ", pcm(2)), chunk("data", ""), chunk("LIST", "no samples")), feed.Options{})
	want(t, recs)
	if err != nil {
		t.Error(err)
	}
}

func TestATrailingPartialFrameIsTorn(t *testing.T) {
	for _, data := range [][]byte{
		wavFile(chunk("fmt ", pcm(4)), chunk("data", "aaaabbbbccccdd")),
		wavFile(chunk("fmt ", pcm(4)), chunk("data", "aaaabbbbccccdd"), chunk("LIST", "no samples")),
		wavFile(chunk("fmt ", pcm(4)), sized("data", 0xFFFFFFFF, "aaaabbbbccccdd")),
	} {
		recs, err := read(t, data, feed.Options{Period: 2})
		want(t, recs, "aaaabbbb", "cccc")
		wantError(t, err, feed.ErrTorn, 44+12, 4, 2)
	}
}

func TestAWAVShorterThanItsHeaderSaysIsTornAtThePeriodItEndsIn(t *testing.T) {
	head := wavFile(chunk("fmt ", pcm(4)), sized("data", 20, ""))
	for have, samples := range []string{"aaaabbbb", "aaaabbbbc", "aaaabbbbcc", "aaaabbbbccc", "aaaabbbbcccc"} {
		recs, err := read(t, append(head[:44:44], samples...), feed.Options{Period: 2})
		want(t, recs, "aaaabbbb")
		wantError(t, err, feed.ErrTorn, 44+8, 8, int64(have))
	}
	recs, err := read(t, append(head[:44:44], "aaaabbbbccccddddee"...), feed.Options{Period: 2})
	want(t, recs, "aaaabbbb", "ccccdddd")
	wantError(t, err, feed.ErrTorn, 44+16, 4, 2)
}

func TestAMalformedWAVHeaderIsRefused(t *testing.T) {
	format := chunk("fmt ", pcm(4))
	for name, data := range map[string][]byte{
		"no data":               wavFile(format),
		"no fmt":                wavFile(chunk("data", "aaaa")),
		"data before fmt":       wavFile(chunk("data", "aaaa"), format),
		"a short fmt":           wavFile(chunk("fmt ", "short"), chunk("data", "aaaa")),
		"a fmt cut short":       wavFile(sized("fmt ", 16, "\x01\x00")),
		"frames of no bytes":    wavFile(chunk("fmt ", pcm(0)), chunk("data", "aaaa")),
		"a chunk past the end":  wavFile(format, sized("JUNK", 0xFFFFFFFF, "abc")),
		"nothing but the magic": []byte("RIFF\x00\x00\x00\x00WAVE"),
		"another magic":         []byte("RIFX\x00\x00\x00\x00WAVE"),
	} {
		if _, err := feed.NewFeed(data, name, feed.Options{Format: feed.WAV}); !errors.Is(err, feed.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}
