package dashboard

import (
	"embed"
	"net/http"
)

// files are the page: nothing is built, what is written here is what is served.
//
//go:embed page/index.html page/style.css page/icon.svg page/*.js
var files embed.FS

// mountPage serves the page at / and its parts beside it.
func mountPage(mount func(pattern, role string, h http.Handler)) {
	mount("GET /{$}", "", file("page/index.html", "text/html; charset=utf-8"))
	mount("GET /style.css", "", file("page/style.css", "text/css; charset=utf-8"))
	mount("GET /icon.svg", "", file("page/icon.svg", "image/svg+xml"))
	for _, name := range scripts {
		mount("GET /"+name, "", file("page/"+name, "text/javascript; charset=utf-8"))
	}
}

// scripts are the page's own; all but theme.js are ES modules.
var scripts = [...]string{"theme.js", "app.js", "asked.js", "draw.js", "parts.js", "topology.js", "format.js"}

func file(path, kind string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		data, err := files.ReadFile(path)
		if err != nil {
			http.Error(w, "missing "+path, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache") // a new version is seen at once
		_, _ = w.Write(data)                        // the caller may have gone
	})
}
