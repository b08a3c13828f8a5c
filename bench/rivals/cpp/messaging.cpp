// Ways to send messages that sleep while there is none.
//
//   c++ -O3 -march=native -std=c++17 -pthread -DZEROMQ -o messaging messaging.cpp -lzmq
//
// One program for each engine, so that each needs its own library only:
//
//   -DMESSAGE_QUEUE   boost::interprocess::message_queue      (Debian: libboost-dev)
//   -DZEROMQ          ZeroMQ, PAIR over ipc                   (Debian: libzmq3-dev)
//   -DNNG             nng, pair0 over ipc                     (Debian: libnng-dev)
//   -DBLOCKING_RWQ    moodycamel::BlockingReaderWriterQueue   (Debian: libreaderwriterqueue-dev)
//
// The first three are between two processes, the last between two threads.
//
//   --mode throughput   messages one way; counted is what was received while the
//                       clock ran
//   --mode latency      messages there and back
//   --mode paced        --rate messages a second one way, timed from when each was
//                       due until it arrived; the sender keeps to its schedule
//                       whatever happens, so that nothing that is late is left out
//
// --room bounds the messages under way where the engine can be told.
#include "common.hpp"
#include <sys/stat.h>

constexpr size_t largest = 64 << 10;

// Where files may be, and what names may begin with: whoever runs the program
// cleans up there if it is killed.
static std::string place() {
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/tmp";
}

// A socket in a directory of its own, for two processes.
struct ipc_address {
	std::string dir = place() + "/" + std::to_string(getpid()), url = "ipc://" + dir + "/s";
	int room;
	explicit ipc_address(const options &o) : room(int(o.room)) {
		if (mkdir(dir.c_str(), 0700) != 0) die("mkdir");
	}
	~ipc_address() { unlink((dir + "/s").c_str()), rmdir(dir.c_str()); }
};

// An engine is made before there are two processes or threads. Each of them has
// a side, made there, which sends to the other and receives from it.
#if defined(MESSAGE_QUEUE)
#include <boost/interprocess/ipc/message_queue.hpp>
namespace ipc = boost::interprocess;
struct engine {
	static constexpr const char *name = "boost::interprocess::message_queue", *between = "processes";
	std::string names[2];
	explicit engine(const options &o) {
		for (int i = 0; i < 2; i++) {
			names[i] = place().substr(place().rfind('/') + 1) + "-" + std::to_string(getpid()) + "-" + std::to_string(i);
			ipc::message_queue(ipc::create_only, names[i].c_str(), std::min<size_t>(o.room, 8192), std::max<size_t>(o.size, 16));
		}
	}
	~engine() {
		for (auto &n : names) ipc::message_queue::remove(n.c_str());
	}
	struct side {
		ipc::message_queue out, in;
		side(engine &e, bool first)
			: out(ipc::open_only, e.names[!first].c_str()), in(ipc::open_only, e.names[first].c_str()) {}
		void send(const char *p, size_t n) { out.send(p, n, 0); }
		size_t recv(char *p, size_t) {
			size_t got;
			unsigned priority;
			in.receive(p, in.get_max_msg_size(), got, priority);
			return got;
		}
	};
};
#elif defined(ZEROMQ)
#include <zmq.h>
struct engine : ipc_address {
	static constexpr const char *name = "ZeroMQ (ipc)", *between = "processes";
	using ipc_address::ipc_address;
	struct side {
		void *context, *socket;
		side(engine &e, bool first) : context(zmq_ctx_new()), socket(zmq_socket(context, ZMQ_PAIR)) {
			int high = std::max(e.room / 2, 1); // on each side
			zmq_setsockopt(socket, ZMQ_SNDHWM, &high, sizeof high);
			zmq_setsockopt(socket, ZMQ_RCVHWM, &high, sizeof high);
			if ((first ? zmq_bind : zmq_connect)(socket, e.url.c_str()) != 0) die("zmq");
		}
		~side() { zmq_close(socket), zmq_ctx_term(context); }
		void send(const char *p, size_t n) {
			if (zmq_send(socket, p, n, 0) < 0) die("zmq_send");
		}
		size_t recv(char *p, size_t n) {
			int got = zmq_recv(socket, p, n, 0);
			if (got < 0) die("zmq_recv");
			return got;
		}
	};
};
#elif defined(NNG)
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
struct engine : ipc_address {
	static constexpr const char *name = "nng (ipc)", *between = "processes";
	using ipc_address::ipc_address;
	struct side {
		nng_socket s;
		static void check(int rc, const char *what) {
			if (rc != 0) fprintf(stderr, "%s: %s\n", what, nng_strerror(rc)), exit(2);
		}
		side(engine &e, bool first) {
			check(nng_pair0_open(&s), "nng_pair0_open");
			int buffer = std::min(std::max(e.room / 2, 1), 8192); // 8192 is the most
			nng_socket_set_int(s, NNG_OPT_SENDBUF, buffer);
			nng_socket_set_int(s, NNG_OPT_RECVBUF, buffer);
			if (first) {
				check(nng_listen(s, e.url.c_str(), nullptr, 0), "nng_listen");
				return;
			}
			for (int i = 0;; i++) { // the other side may not be there yet
				int rc = nng_dial(s, e.url.c_str(), nullptr, 0);
				if (rc == 0) return;
				if (i == 1000) check(rc, "nng_dial");
				usleep(1000);
			}
		}
		~side() { nng_close(s); }
		void send(const char *p, size_t n) { check(nng_send(s, const_cast<char *>(p), n, 0), "nng_send"); }
		size_t recv(char *p, size_t n) {
			check(nng_recv(s, p, &n, 0), "nng_recv");
			return n;
		}
	};
};
#elif defined(BLOCKING_RWQ)
#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#else
#include <readerwriterqueue.h>
#endif
struct engine {
	static constexpr const char *name = "moodycamel::BlockingReaderWriterQueue", *between = "threads";
	struct line {
		char bytes[64];
	};
	using queue = moodycamel::BlockingReaderWriterQueue<line>;
	queue q[2];
	explicit engine(const options &o) : q{queue(o.room), queue(o.room)} {
		if (o.size > sizeof(line)) usage("--size: up to 64 bytes were compiled in");
	}
	struct side {
		engine &e;
		bool first;
		side(engine &e, bool first) : e(e), first(first) {}
		void send(const char *p, size_t n) {
			line l;
			memcpy(l.bytes, p, n);
			while (!e.q[first].try_enqueue(l)) sched_yield();
		}
		size_t recv(char *p, size_t n) {
			line l;
			e.q[!first].wait_dequeue(l);
			memcpy(p, l.bytes, n);
			return n;
		}
	};
};
#else
#error "say which engine: -DMESSAGE_QUEUE, -DZEROMQ, -DNNG or -DBLOCKING_RWQ"
#endif

namespace {

// A message begins with its number and the moment at which it was due.
struct head {
	uint64_t number;
	double due;
};
constexpr uint64_t over = UINT64_MAX;

// What both sides of a run know.
struct talk {
	const options &o;
	const size_t size = std::max<size_t>(o.size, sizeof(head));
	const bool both = o.mode == "latency", paced = o.mode == "paced";
	// Of round trips, or at the receiver. The pages are there when they are needed.
	const size_t most = paced ? o.rate * (o.duration + 1) / 1000 + 1 : both ? 1 << 20 : 1;
	float *const times = static_cast<float *>(shared_bytes(most * sizeof(float)));
	crew s{o, 2};
	stopwatch clock;

	explicit talk(const options &o) : o(o) {}

	// A slice of the first side. It returns how many times there are.
	size_t lead(engine::side &to, std::vector<char> &out, std::vector<char> &in) {
		tally &t = s.tallies[0];
		size_t n = 0;
		auto send = [&](uint64_t number, double due) {
			head h{number, due};
			memcpy(out.data(), &h, sizeof h);
			to.send(out.data(), size);
		};
		s.c.start();
		double start = now(), gap = paced ? 1e9 / o.rate : 0;
		for (uint64_t i = 0;; i++, t.sent++) {
			if (both) {
				double before = clock.read();
				send(i, 0);
				to.recv(in.data(), size);
				double took = clock.read() - before;
				head h;
				memcpy(&h, in.data(), sizeof h);
				t.wrong |= h.number != i;
				if (s.c.at == measure && n < most) times[n++] = took;
			} else if (paced) {
				double due = start + i * gap;
				while (now() < due) relax();
				send(i, due > start + s.c.warm_ns ? due : 0);
			} else send(i, 0);
			if ((both || paced || i % 64 == 0) && !s.c.goes_on()) break;
		}
		t.sent++;
		send(over, 0);
		to.recv(in.data(), size); // the other side has everything
		return n;
	}

	// A slice of the second side, likewise.
	size_t follow(engine::side &to, std::vector<char> &in) {
		tally &t = s.tallies[1];
		size_t n = 0;
		for (;; t.got++) {
			head h;
			to.recv(in.data(), size);
			memcpy(&h, in.data(), sizeof h);
			s.c.look(t);
			if (h.number == over) break;
			t.wrong |= h.number != t.got;
			if (both) to.send(in.data(), size);
			if (h.due != 0 && n < most) times[n++] = now() - h.due;
		}
		to.send(in.data(), size);
		return n;
	}

	int run() {
		engine e(o);
		return s.run(
			engine::name, engine::between, false,
			[&](size_t id) {
				engine::side to(e, id == 0);
				std::vector<char> out(std::max(largest, size)), in(std::max(largest, size));
				// Both are connected when each has heard of the other.
				to.send(out.data(), size);
				to.recv(in.data(), size);
				pin(o.cpu(id)); // this thread, not those that the library has started
				for (; s.next(id); s.finish()) {
					size_t n = id == 0 ? lead(to, out, in) : follow(to, in);
					s.tallies[id].first = n;
				}
			},
			[&] {
				const tally &sent = s.tallies[0], &got = s.tallies[1];
				size_t n = paced ? got.first : both ? sent.first : 0;
				outcome r;
				r.times.assign(times, times + n);
				r.messages = both ? 2 * n : paced ? n : got.counted;
				r.ns = s.c.ns, r.wrong = sent.wrong || got.wrong || sent.sent != got.got;
				return r;
			});
	}
};

} // namespace

int main(int argc, char **argv) {
	options o = parse(argc, argv);
	if (o.mode != "throughput" && o.mode != "latency" && o.mode != "paced") usage("--mode wants throughput, latency or paced");
	if (o.size > largest) usage("--size wants at most 65536");
	return talk(o).run();
}
