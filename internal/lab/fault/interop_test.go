//go:build interop

package fault_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/lab/fault"
	"betimes/internal/lab/realkafka"
)

// TestInteropTheProxy runs the tests of the proxy before Apache Kafka.
func TestInteropTheProxy(t *testing.T) {
	real = realkafka.Start(t, realkafka.Config{Brokers: 3, Together: 3}).Addrs()
	t.Run("group", func(t *testing.T) {
		t.Run("no other way", TestAClientMeetsNoBrokerButThroughTheProxy)
		t.Run("producer", TestAProducerLosesAndRepeatsNothingWhen)
		t.Run("spoilt", TestWhatIsSpoiltOnItsWayIsWrittenOnceOrRefused)
		t.Run("held", TestWhatIsHeldIsDeliveredWhenTheFaultEnds)
		t.Run("names", TestAFaultHitsWhatItNames)
		t.Run("member", TestAMemberGoesOnWhen)
		t.Run("kcat", testKcat)
		t.Run("Java", testJava)
	})
}

func TestInteropClientsOfOthersGoThroughTheProxyOfEmbeddedBrokers(t *testing.T) {
	t.Run("kcat", testKcat)
	t.Run("Java", testJava)
}

// run runs a program with input and returns what it printed.
func run(t *testing.T, input, program, install string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed: %s", program, install)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// noDirect fails when text has the address of a broker itself.
func noDirect(t *testing.T, text string, direct []string) {
	t.Helper()
	for _, addr := range direct {
		if strings.Contains(text, addr) {
			t.Errorf("it was told where broker %s is itself:\n%s", addr, text)
		}
	}
}

// testKcat loses answers to what kcat writes: librdkafka's producer repeats it, idempotently.
func testKcat(t *testing.T) {
	const install = "sudo apt-get install kcat"
	direct, p := brokers(t)
	c := open(t, direct)
	name := topic(t, c, 3)
	seeds := strings.Join(p.Addrs(), ",")
	listed := run(t, "", "kcat", install, "-L", "-b", seeds)
	if noDirect(t, listed, direct); !strings.Contains(listed, "3 brokers:") {
		t.Errorf("kcat -L printed\n%s", listed)
	}
	h := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: 2, On: fault.Response, Do: fault.Drop})
	var lines strings.Builder
	for i := range 500 {
		fmt.Fprintf(&lines, "%d\n", i)
	}
	run(t, lines.String(), "kcat", install, "-P", "-b", seeds, "-t", name, "-X", "enable.idempotence=true", "-X", "batch.num.messages=50")
	if h.Hits() == 0 {
		t.Error("no answer was lost")
	}
	audit(t, c, name, 500)
	if read := strings.Fields(run(t, "", "kcat", install, "-C", "-b", seeds, "-t", name, "-e", "-q")); len(read) != 500 {
		t.Errorf("kcat read %d records, want 500", len(read))
	}
}

// testJava runs Java's client: topics, records, a classic and a KIP-848 group.
func testJava(t *testing.T) {
	_, p := brokers(t)
	produce := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: 2, On: fault.Response, Do: fault.Drop})
	commit := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, On: fault.Response, Do: fault.Drop})
	out := run(t, "", "java", "sudo apt-get install openjdk-17-jdk-headless", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Djava.net.preferIPv4Stack=true", "-cp", realkafka.Classpath(t), filepath.Join("..", "broker", "testdata", "java", "Interop.java"), p.Addrs()[0])
	want := "created java-things\ndescribed java-things, brokers 3\nproduced 1000\n" +
		"consumed 1000 as classic\nconsumed 1000 as consumer\ncommitted by both groups\n"
	if out != want {
		t.Errorf("Java printed\n%s, want\n%s", out, want)
	}
	if produce.Hits() == 0 || commit.Hits() == 0 {
		t.Errorf("%d answers to records and %d to commits were lost, want some", produce.Hits(), commit.Hits())
	}
}
