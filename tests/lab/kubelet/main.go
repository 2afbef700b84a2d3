// SPDX-License-Identifier: Apache-2.0

// The lab's kubelet: it answers the API server's exec requests, SPDY and
// WebSocket, with the streaming package of the same Kubernetes source.
//
//	lab-kubelet --listen ADDR --cert FILE --key FILE --client-ca FILE
//	            --runner COMMAND --faults FILE
//
// A request runs "COMMAND POD CONTAINER WORD..." on this machine, in a process
// group of its own that ends when nobody takes its output. Before that, without
// WORDs, the runner says by its exit code if that container runs now.
//
// The file of faults is read for each request, a JSON object:
//
//	slow     seconds before the command is started
//	garbage  what comes in place of the command's output (its exit code stays)
//	cut      the stream ends after so many bytes of output, without exit code
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	protocol "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/tools/remotecommand"
	streaming "k8s.io/kubernetes/pkg/kubelet/cri/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const idle = 4 * time.Hour

type faults struct {
	Slow    float64 `json:"slow"`
	Garbage *string `json:"garbage"`
	Cut     *int    `json:"cut"`
}

type kubelet struct {
	runner, faults string
}

func (k *kubelet) now() faults {
	var f faults
	data, err := os.ReadFile(k.faults)
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Printf("%s: %v", k.faults, err)
	}
	return f
}

var errCut = errors.New("the lab's fault 'exec-cut'")

// cutter lets so many bytes through and then breaks.
type cutter struct {
	w    io.Writer
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.w.Write(p)
	}
	n, _ := c.w.Write(p[:c.left])
	c.left = 0
	return n, errCut
}

// ExecInContainer is what the streaming package calls for one exec request.
func (k *kubelet) ExecInContainer(pod string, _ types.UID, container string, words []string, in io.Reader,
	out, errs io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	f := k.now()
	time.Sleep(time.Duration(f.Slow * float64(time.Second)))
	cmd := exec.Command(k.runner, append([]string{pod, container}, words...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stdout io.Writer = io.Discard
	if out != nil {
		stdout = out
	}
	switch {
	case f.Garbage != nil:
		io.WriteString(stdout, *f.Garbage)
		stdout = io.Discard
	case f.Cut != nil:
		stdout = &cutter{stdout, *f.Cut}
	}
	err := run(cmd, in, stdout, errs)
	log.Printf("exec %s/%s %q: %v", pod, container, words, err)
	return err
}

// run ends with the command, whatever still holds its standard input open.
func run(cmd *exec.Cmd, in io.Reader, out io.Writer, errs io.WriteCloser) error {
	if errs != nil {
		cmd.Stderr = errs
	}
	copied := make(chan error, 1)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if in != nil {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			io.Copy(stdin, in)
			stdin.Close()
		}()
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_, err := io.Copy(out, stdout)
		if err != nil {
			// Nobody reads any more.
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		copied <- err
	}()
	failed := <-copied
	err = cmd.Wait()
	if failed != nil {
		return failed
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: code(exit)}
	}
	return err
}

// code is the exit code as a shell would have it.
func code(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// ServeHTTP: /exec/NAMESPACE/POD/CONTAINER or /exec/NAMESPACE/POD/UID/CONTAINER.
func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		fmt.Fprintln(w, "ok")
		return
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(path) < 4 || len(path) > 5 || path[0] != "exec" {
		http.Error(w, "the lab's kubelet knows exec only", http.StatusNotFound)
		return
	}
	options, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if options.TTY {
		http.Error(w, "the lab's kubelet has no terminals", http.StatusBadRequest)
		return
	}
	pod, container := path[2], path[len(path)-1]
	if exec.Command(k.runner, pod, container).Run() != nil {
		http.Error(w, fmt.Sprintf("container not found (%q)", container), http.StatusNotFound)
		return
	}
	streaming.ServeExec(w, r, k, pod, "", container, r.URL.Query()["command"], options,
		idle, 30*time.Second, protocol.SupportedStreamingProtocols)
}

func main() {
	k := &kubelet{}
	listen := flag.String("listen", "", "address")
	cert := flag.String("cert", "", "server certificate")
	key := flag.String("key", "", "its key")
	ca := flag.String("client-ca", "", "who signs the API server's certificate")
	flag.StringVar(&k.runner, "runner", "", "runs a command in a container")
	flag.StringVar(&k.faults, "faults", "", "file of the faults")
	flag.Parse()
	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	server := &http.Server{Addr: *listen, Handler: k,
		// No HTTP/2: it cannot be upgraded.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:    &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}}
	log.Printf("listening at %s", *listen)
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}
