package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"

	"betimes/internal/config"
)

// instance tells this process from others of the same file.
type instance struct {
	name   string
	stable bool // a successor bears the same name
}

// instanceOf names an instance after BETIMES_INSTANCE, else after a
// StatefulSet's pod, else after host and data_dir. The name of another pod or
// of a container is never borne again, nor that of a folder that is removed.
func instanceOf(c config.Config, temporary bool) instance {
	if name := os.Getenv("BETIMES_INSTANCE"); name != "" {
		return instance{name, true}
	}
	host, _ := os.Hostname()
	if os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return instance{hashed(host, c.DataDir), !temporary && !ofContainer(host)}
	}
	host = cmp.Or(os.Getenv("HOSTNAME"), host) // the pod's
	if i := strings.LastIndexByte(host, '-'); i > 0 && isOrdinal(host[i+1:]) {
		return instance{host, true}
	}
	return instance{hashed(host, c.DataDir), false}
}

func hashed(host, dir string) string {
	sum := sha256.Sum256([]byte(host + "\x00" + dir))
	return hex.EncodeToString(sum[:4])
}

// isOrdinal says whether a pod's name ends in a StatefulSet's number, not in the
// five letters and digits of chance of a Deployment's.
func isOrdinal(s string) bool {
	return s != "" && len(s) < ofChance && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}

const ofChance = 5 // characters

// ofContainer says whether a host is called as Docker and Podman call containers.
func ofContainer(host string) bool {
	_, err := hex.DecodeString(host)
	return err == nil && len(host) == 12
}
