// Package rivals builds and runs the programs that Ringway is measured against
// when they are not written in Go.
//
// There is one so far: Boost's single-producer single-consumer queue, in
// cpp/boost_spsc.cpp, which is compiled on the machine that measures, with
//
//	c++ -O3 -march=native -std=c++17
//
// because a rival deserves its best build. The program forks and pins two
// processes that share the queue, checks what arrives, and prints one line of
// JSON. Built programs are kept below os.UserCacheDir()/ringway/rivals, under a
// name made of the source, the compiler's version, the flags and the
// processor's abilities, so that a stale one is never run.
//
// It runs on Linux and needs a C++ compiler (Debian: g++) and Boost's headers
// (Debian: libboost-dev). Where one is missing, BuildBoost says which.
package rivals
