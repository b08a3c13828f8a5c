// Mkdll writes a bcryptprimitives.dll for Wine.
//
// The Go runtime refuses to start without bcryptprimitives.dll, from which it
// takes one function, ProcessPrng, to seed itself. Wine got that library after
// version 8, which is what Debian 12 ships. advapi32.dll has had the same
// function under another name all along: RtlGenRandom, exported as
// SystemFunction036, fills a buffer with random bytes and has the same
// signature. So the library written here holds no code: its only export is a
// forwarder, a string that tells the loader where to look instead.
//
// The file is a test aid. It belongs into system32 of a Wine prefix whose own
// Wine has no such library, and nowhere on real Windows.
//
// Usage:
//
//	go run ./internal/wine/mkdll FILE
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

const (
	dllName     = "bcryptprimitives.dll"
	exportName  = "ProcessPrng"
	forwardedTo = "advapi32.SystemFunction036"
)

// Where things stand. File and memory differ only in the section's position:
//
//	file    memory
//	0x000   0x0000   DOS header, PE signature, COFF header,
//	                 optional header, section table
//	0x200   0x1000   .edata
//	0x400   0x2000   the end
const (
	fileAlign    = 0x200
	sectionAlign = 0x1000
	sectionRVA   = sectionAlign
	imageSize    = 2 * sectionAlign
	imageBase    = 0x180000000 // what linkers give a 64-bit DLL by default

	dosSize      = 0x40
	numDirs      = 16
	optionalSize = 112 + 8*numDirs
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mkdll FILE")
		os.Exit(64)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "mkdll:", err)
		os.Exit(1)
	}
}

// write puts the library at path in one step, so that a loader that looks at
// the same moment finds all of it or nothing.
func write(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".mkdll-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(image())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// image returns the bytes of the library.
func image() []byte {
	edata, dirSize := exportSection()

	var b bytes.Buffer
	put := func(v any) {
		// Fixed-size values into memory: this cannot fail.
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}

	// A DOS header without the DOS program: only its first and last fields
	// are ever looked at.
	put([]byte("MZ"))
	put(make([]byte, dosSize-2-4))
	put(uint32(dosSize)) // e_lfanew

	put([]byte("PE\x00\x00"))
	put(struct {
		Machine, Sections        uint16
		Time, Symbols, NumSymbol uint32
		OptionalSize, Flags      uint16
	}{
		Machine:      0x8664, // IMAGE_FILE_MACHINE_AMD64
		Sections:     1,
		OptionalSize: optionalSize,
		// EXECUTABLE_IMAGE, LARGE_ADDRESS_AWARE, DLL. RELOCS_STRIPPED is
		// not among them: with nothing to relocate the image may be
		// loaded anywhere.
		Flags: 0x2022,
	})
	put(struct {
		Magic                          uint16
		Linker                         [2]uint8
		Code, Data, BSS, Entry         uint32
		CodeBase                       uint32
		ImageBase                      uint64
		SectionAlign, FileAlign        uint32
		OS, Image, Subsystem           [2]uint16
		Win32, ImageSize, HeaderSize   uint32
		Checksum                       uint32
		SubsystemKind, DLLFlags        uint16
		StackReserve, StackCommit      uint64
		HeapReserve, HeapCommit        uint64
		LoaderFlags, NumberDirectories uint32
	}{
		Magic:        0x20b, // PE32+
		Data:         fileAlign,
		Entry:        0, // no DllMain: there is no code
		ImageBase:    imageBase,
		SectionAlign: sectionAlign,
		FileAlign:    fileAlign,
		OS:           [2]uint16{6, 0},
		Subsystem:    [2]uint16{6, 0},
		ImageSize:    imageSize,
		HeaderSize:   fileAlign,

		SubsystemKind: 3,     // console; a DLL needs some value
		DLLFlags:      0x160, // NX_COMPAT, DYNAMIC_BASE, HIGH_ENTROPY_VA

		StackReserve:      1 << 20,
		StackCommit:       sectionAlign,
		HeapReserve:       1 << 20,
		HeapCommit:        sectionAlign,
		NumberDirectories: numDirs,
	})
	dirs := [numDirs]struct{ RVA, Size uint32 }{{sectionRVA, dirSize}} // [0]: exports
	put(dirs)

	name := [8]byte{}
	copy(name[:], ".edata")
	put(struct {
		Name                            [8]byte
		Size, RVA, FileSize, FileOffset uint32
		Relocs, Lines                   uint32
		NumRelocs, NumLines             uint16
		Characteristics                 uint32
	}{
		Name: name, Size: uint32(len(edata)), RVA: sectionRVA,
		FileSize: fileAlign, FileOffset: fileAlign,
		Characteristics: 0x40000040, // INITIALIZED_DATA, MEM_READ
	})

	put(make([]byte, fileAlign-b.Len()))
	put(edata)
	put(make([]byte, 2*fileAlign-b.Len()))
	return b.Bytes()
}

// exportSection returns the contents of .edata, and the size of the export
// directory in it, which is all of it: an exported address counts as a
// forwarder exactly if it points into the export directory.
func exportSection() (edata []byte, dirSize uint32) {
	const (
		funcs    = 40        // after the directory: the address table,
		names    = funcs + 4 // the name table,
		ordinals = names + 4 // the ordinals of the names,
		strings  = ordinals + 2
	)
	dll := uint32(strings)
	export := dll + uint32(len(dllName)) + 1
	forward := export + uint32(len(exportName)) + 1
	end := forward + uint32(len(forwardedTo)) + 1

	le := binary.LittleEndian
	b := make([]byte, strings, end)
	le.PutUint32(b[12:], sectionRVA+dll)
	le.PutUint32(b[16:], 1) // first ordinal
	le.PutUint32(b[20:], 1) // number of functions
	le.PutUint32(b[24:], 1) // number of names
	le.PutUint32(b[28:], sectionRVA+funcs)
	le.PutUint32(b[32:], sectionRVA+names)
	le.PutUint32(b[36:], sectionRVA+ordinals)
	le.PutUint32(b[funcs:], sectionRVA+forward)
	le.PutUint32(b[names:], sectionRVA+export)
	le.PutUint16(b[ordinals:], 0) // an index, the first ordinal not added
	for _, s := range []string{dllName, exportName, forwardedTo} {
		b = append(append(b, s...), 0)
	}
	return b, end
}
