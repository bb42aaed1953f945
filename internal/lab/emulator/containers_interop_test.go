//go:build interop

package emulator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// modelServer is a program of the multi-model container API that has room for two models.
const modelServer = `#!/usr/bin/env python3
import http.server, json, os
loaded = {}
class H(http.server.BaseHTTPRequestHandler):
    def say(self, status, text=""):
        self.send_response(status); self.send_header("Content-Length", str(len(text))); self.end_headers(); self.wfile.write(text.encode())
    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
    def do_GET(self):
        self.say(200)
    def do_DELETE(self):
        self.body()
        self.say(200 if loaded.pop(self.path.split("/")[2], None) else 404)
    def do_POST(self):
        text = self.body()
        if self.path == "/models":
            ask = json.loads(text)
            if len(loaded) == 2:
                return self.say(507)
            loaded[ask["model_name"]] = open(os.path.join(ask["url"], os.listdir(ask["url"])[0])).read()
            return self.say(200)
        self.say(200, loaded[self.path.split("/")[2]] + ":" + text + ":" + os.environ["SAGEMAKER_MULTI_MODEL"] + ":" + str(len(loaded)))
    def log_message(self, *a):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), H).serve_forever()
`

func TestInteropAProgramLoadsModelsAndLetsTheOldestGo(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	program := filepath.Join(t.TempDir(), "serve")
	if err := os.WriteFile(program, []byte(modelServer), 0o700); err != nil {
		t.Fatal(err)
	}
	b.do("PUT", "/data", "")
	for _, name := range []string{"a", "b", "c"} {
		b.do("PUT", "/data/many/"+name, "model "+name)
	}
	b.serveModel(m{"ModelName": "many", "PrimaryContainer": m{"Image": "exec:" + program, "Mode": "MultiModel", "ModelDataUrl": "s3://data/many"}})
	for i, name := range []string{"a", "b", "a", "c", "a", "b"} { // b goes for c, then c for b
		want := fmt.Sprintf("model %s:x:true:%d", name, min(i+1, 2))
		if resp, body := b.do("POST", "/endpoints/many/invocations", "x", targetModel, name); resp.StatusCode != 200 || body != want {
			t.Errorf("call %d was answered %d %s, want %s", i, resp.StatusCode, body, want)
		}
	}
}
