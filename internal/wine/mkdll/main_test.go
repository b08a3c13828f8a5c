package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T) *pe.File {
	t.Helper()
	f, err := pe.NewFile(bytes.NewReader(image()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestImageIsALibraryForAMD64WithoutCode(t *testing.T) {
	f := open(t)
	if got, want := f.Machine, uint16(pe.IMAGE_FILE_MACHINE_AMD64); got != want {
		t.Errorf("machine %#x, want %#x", got, want)
	}
	if got, want := f.Characteristics, uint16(0x2022); got != want {
		t.Errorf("characteristics %#x, want %#x", got, want)
	}
	opt, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		t.Fatalf("optional header is a %T, want PE32+", f.OptionalHeader)
	}
	if got, want := int(f.SizeOfOptionalHeader), binary.Size(*opt); got != want {
		t.Errorf("optional header takes %d bytes, want %d", got, want)
	}
	if opt.AddressOfEntryPoint != 0 {
		t.Errorf("entry point %#x, want none", opt.AddressOfEntryPoint)
	}
	if opt.SizeOfImage%opt.SectionAlignment != 0 || opt.SizeOfHeaders%opt.FileAlignment != 0 {
		t.Errorf("image of %#x or headers of %#x bytes are not aligned", opt.SizeOfImage, opt.SizeOfHeaders)
	}
	if len(f.Sections) != 1 || f.Sections[0].Name != ".edata" {
		t.Fatalf("sections %v, want .edata alone", f.Sections)
	}
	s := f.Sections[0]
	if want := uint32(pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ); s.Characteristics != want {
		t.Errorf(".edata has characteristics %#x, want %#x", s.Characteristics, want)
	}
	if s.VirtualSize > s.Size || s.VirtualAddress+s.VirtualSize > opt.SizeOfImage {
		t.Errorf(".edata of %#x bytes overruns the file or the image", s.VirtualSize)
	}
}

func TestImageForwardsProcessPrngToRtlGenRandom(t *testing.T) {
	f := open(t)
	s := f.Sections[0]
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	dir := f.OptionalHeader.(*pe.OptionalHeader64).DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT]
	at := func(rva uint32) []byte { return data[rva-s.VirtualAddress:] }
	u32 := func(rva uint32) uint32 { return binary.LittleEndian.Uint32(at(rva)) }
	str := func(rva uint32) string {
		name, _, ok := bytes.Cut(at(rva), []byte{0})
		if !ok {
			t.Errorf("the string at %#x does not end", rva)
		}
		return string(name)
	}

	if got, want := str(u32(dir.VirtualAddress+12)), "bcryptprimitives.dll"; got != want {
		t.Errorf("library name %q, want %q", got, want)
	}
	if funcs, names := u32(dir.VirtualAddress+20), u32(dir.VirtualAddress+24); funcs != 1 || names != 1 {
		t.Fatalf("%d functions and %d names, want one of each", funcs, names)
	}
	if got, want := str(u32(u32(dir.VirtualAddress+32))), "ProcessPrng"; got != want {
		t.Errorf("exports %q, want %q", got, want)
	}
	if got := binary.LittleEndian.Uint16(at(u32(dir.VirtualAddress + 36))); got != 0 {
		t.Errorf("the name has index %d, want 0", got)
	}
	target := u32(u32(dir.VirtualAddress + 28))
	if target < dir.VirtualAddress || target >= dir.VirtualAddress+dir.Size {
		t.Errorf("address %#x is outside the export directory: not a forwarder", target)
	}
	if got, want := str(target), "advapi32.SystemFunction036"; got != want {
		t.Errorf("forwards to %q, want %q", got, want)
	}
}

func TestWriteReplacesTheFileAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, dllName)
	if err := os.WriteFile(path, []byte("an older one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, image()) {
		t.Errorf("file of %d bytes differs from the image of %d", len(got), len(image()))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("directory holds %v, want the library alone", entries)
	}
}
