package fault

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// framed makes the frame of a request as clients do.
func framed(r kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, r, 7)
}

// everyKind visits every kind of request in every version.
func everyKind(visit func(kmsg.Request)) {
	for key := range int16(kmsg.MaxKey + 1) {
		kind := kmsg.RequestForKey(key)
		if kind == nil || kmsg.Key(key) == kmsg.ControlledShutdown { // its version 0 has another head; only brokers send it
			continue
		}
		for version := range kind.MaxVersion() + 1 {
			one := kmsg.RequestForKey(key)
			one.SetVersion(version)
			visit(one)
		}
	}
}

func TestTheHeadOfEveryRequestIsRead(t *testing.T) {
	everyKind(func(kind kmsg.Request) {
		r, err := parseRequest(framed(kind))
		if err != nil || r.key != kind.Key() || r.version != kind.GetVersion() || r.correlation != 7 || r.client != "me" {
			t.Errorf("%s version %d: got %+v, %v", kmsg.NameForKey(kind.Key()), kind.GetVersion(), r, err)
			return
		}
		if r.decode() == nil || !bytes.Equal(r.frame[r.body:], kind.AppendTo(nil)) {
			t.Errorf("%s version %d: its body is not read", kmsg.NameForKey(kind.Key()), kind.GetVersion())
		}
	})
}

func TestEveryRequestCanBeRefused(t *testing.T) {
	everyKind(func(kind kmsg.Request) {
		r, err := parseRequest(framed(kind))
		if err != nil {
			t.Fatal(err)
		}
		frame := refusal(r, 15)
		resp := r.answerTo()
		at, err := answerBody(frame, resp)
		if err == nil {
			err = resp.ReadFrom(frame[at:])
		}
		if err != nil || correlationOf(frame) != 7 {
			t.Errorf("%s version %d: %v", kmsg.NameForKey(kind.Key()), kind.GetVersion(), err)
		}
	})
}

func TestARefusalNamesWhatWasAsked(t *testing.T) {
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Version = 8
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "things"
	for n := range int32(3) {
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition = n
		topic.Partitions = append(topic.Partitions, part)
	}
	commit.Topics = append(commit.Topics, topic)
	r, err := parseRequest(framed(commit))
	if err != nil {
		t.Fatal(err)
	}
	frame := refusal(r, 16)
	resp := r.answerTo().(*kmsg.OffsetCommitResponse)
	at, _ := answerBody(frame, resp)
	if err := resp.ReadFrom(frame[at:]); err != nil || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 3 {
		t.Fatalf("got %+v, %v", resp, err)
	}
	if last := resp.Topics[0].Partitions[2]; resp.Topics[0].Topic != "things" || last.Partition != 2 || last.ErrorCode != 16 {
		t.Errorf("got %+v", resp.Topics[0])
	}
}

func TestARefusalToFindCoordinatorsNamesThem(t *testing.T) {
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version, find.CoordinatorKeys = 4, []string{"a", "b"}
	r, err := parseRequest(framed(find))
	if err != nil {
		t.Fatal(err)
	}
	frame := refusal(r, 15)
	resp := r.answerTo().(*kmsg.FindCoordinatorResponse)
	at, _ := answerBody(frame, resp)
	if err := resp.ReadFrom(frame[at:]); err != nil || len(resp.Coordinators) != 2 || resp.Coordinators[1].Key != "b" || resp.Coordinators[1].ErrorCode != 15 {
		t.Errorf("got %+v, %v", resp, err)
	}
}

// Whatever clients and brokers say, nothing panics, and what is made of it is a
// frame again.
func FuzzFrame(f *testing.F) {
	everyKind(func(kind kmsg.Request) {
		if kind.GetVersion() == kind.MaxVersion() {
			f.Add(framed(kind), answerFrame(7, kind.ResponseKind()))
		}
	})
	f.Fuzz(func(t *testing.T, asked, answer []byte) {
		request, err := readFrame(bytes.NewReader(asked))
		if err != nil {
			return
		}
		r, err := parseRequest(request)
		if err != nil {
			return
		}
		r.answered()
		random := rand.New(rand.NewPCG(1, 1))
		for what, made := range map[string][]byte{
			"truncated": truncated(request, r.body), "flipped": flipped(request, r.body, random), "refused": refusal(r, 1),
		} {
			if made == nil {
				continue
			}
			if again, err := readFrame(bytes.NewReader(made)); err != nil || len(again) != len(made) {
				t.Fatalf("%s is no frame: %d of %d bytes, %v", what, len(again), len(made), err)
			}
		}
		p := &Proxy{closed: true} // makes no front
		if answer, err = readFrame(bytes.NewReader(answer)); err != nil || len(answer) < 8 {
			return
		}
		if out, err := p.rewrite(r, answer); err == nil && len(out) < 8 {
			t.Fatalf("an answer became %d bytes", len(out))
		}
	})
}
