package app

import (
	"os"
	"path/filepath"
	"testing"

	"betimes/internal/config"
	"betimes/internal/flow/stream"
	"betimes/internal/kafka"
)

func TestAMemberIsStaticWhereItsNameComesBack(t *testing.T) {
	const kubernetes = "KUBERNETES_SERVICE_HOST"
	for name, tt := range map[string]struct {
		env        map[string]string
		membership string
		temporary  bool
		static     bool
	}{
		"a name that was given":               {map[string]string{"BETIMES_INSTANCE": "a"}, "auto", false, true},
		"a given name in a pod of chance":     {map[string]string{kubernetes: "10.0.0.1", "HOSTNAME": "stream-7d4b9c-x2x9z", "BETIMES_INSTANCE": "a"}, "auto", false, true},
		"a StatefulSet's pod":                 {map[string]string{kubernetes: "10.0.0.1", "HOSTNAME": "stream-12"}, "auto", false, true},
		"a Deployment's pod":                  {map[string]string{kubernetes: "10.0.0.1", "HOSTNAME": "stream-7d4b9c-x2x9z"}, "auto", false, false},
		"a Deployment's pod of digits":        {map[string]string{kubernetes: "10.0.0.1", "HOSTNAME": "stream-7d4b9c-24578"}, "auto", false, false},
		"a Deployment's pod that is to be so": {map[string]string{kubernetes: "10.0.0.1", "HOSTNAME": "stream-7d4b9c-x2x9z"}, "static", false, true},
		"a machine with its folder":           {nil, "auto", false, !ofContainer(hostname(t))},
		"a folder that is removed at the end": {nil, "auto", true, false},
		"nobody who is to be dynamic":         {map[string]string{"BETIMES_INSTANCE": "a"}, "dynamic", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"BETIMES_INSTANCE", kubernetes, "HOSTNAME"} {
				t.Setenv(variable, tt.env[variable])
			}
			c := config.Config{Name: "p", DataDir: filepath.Join(t.TempDir(), "data")}
			c.Flow.Stream.Membership = tt.membership
			a := &App{config: c, instance: instanceOf(c, tt.temporary)}
			member := a.memberConfig("stream-0", stream.Hooks{})
			if static := member.StaticID != ""; static != tt.static {
				t.Errorf("static is %v (%q), want %v", static, member.StaticID, tt.static)
			}
			if a.memberName("stream-0") == a.memberName("stream-1") || member.Protocol == kafka.ProtocolShare {
				t.Errorf("the members are %q", a.memberName("stream-0"))
			}
		})
	}
}

func TestContainersAreToldByTheirName(t *testing.T) {
	for host, want := range map[string]bool{"4f1c02ab99de": true, "betimes-1": false, "4f1c02ab99": false, "server": false, "": false} {
		if got := ofContainer(host); got != want {
			t.Errorf("%q is of a container: %v, want %v", host, got, want)
		}
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return host
}
