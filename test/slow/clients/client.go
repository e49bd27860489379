// Asks an origin with Go's client and prints what came back, one JSON object a line.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"time"
)

type got struct {
	Asked   string
	Proto   string
	Status  string
	Header  http.Header
	Trailer http.Header
	Interim []int
	Length  int64
	Coding  []string
	Size    int
	Sum     string
}

// Hides what a body is, so that its length is not known.
type unknown struct{ io.Reader }

func main() {
	origin := os.Args[1]
	client := &http.Client{
		Timeout:       60 * time.Second,
		Transport:     &http.Transport{ExpectContinueTimeout: 30 * time.Second, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(method, path string, body io.Reader, change func(*http.Request)) {
		request, err := http.NewRequest(method, origin+path, body)
		if err != nil {
			panic(err)
		}
		if change != nil {
			change(request)
		}
		var interim []int
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			interim = append(interim, code)
			return nil
		}}
		answer, err := client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
		if err != nil {
			fmt.Println(method, path, "failed")
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		data, err := io.ReadAll(answer.Body)
		if err != nil {
			panic(err)
		}
		answer.Body.Close()
		sum := sha256.Sum256(data)
		for _, name := range []string{"Connection", "Keep-Alive"} {
			answer.Header.Del(name)
		}
		line, _ := json.Marshal(got{method + " " + path, answer.Proto, answer.Status, answer.Header, answer.Trailer,
			interim, answer.ContentLength, answer.TransferEncoding, len(data), hex.EncodeToString(sum[:])})
		fmt.Println(string(line))
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 500_000)
	ask("GET", "/x", nil, nil)
	ask("GET", "/binary", nil, nil)
	ask("HEAD", "/binary", nil, nil)
	ask("POST", "/x", strings.NewReader("abc"), nil)
	ask("PUT", "/x", bytes.NewReader(large), nil)
	ask("PUT", "/x", unknown{bytes.NewReader(large)}, nil)
	ask("PUT", "/x", bytes.NewReader(large), func(request *http.Request) { request.Header.Set("Expect", "100-continue") })
	ask("POST", "/x", unknown{strings.NewReader("with trailers")}, func(request *http.Request) {
		request.Trailer = http.Header{"X-Sum": {"1"}}
	})
	ask("GET", "/chunks", nil, nil)
	ask("GET", "/trailers", nil, nil)
	ask("GET", "/204", nil, nil)
	ask("GET", "/304", nil, nil)
	ask("GET", "/reason", nil, nil)
	ask("GET", "/redirect", nil, nil)
	ask("GET", "/cookies", nil, nil)
	ask("GET", "/hints", nil, nil)
	ask("GET", "/large", nil, nil)
	ask("LIST", "/x", nil, nil)
	ask("GET", "/close", nil, nil)
	ask("GET", "/x?after=close", nil, nil)
}
