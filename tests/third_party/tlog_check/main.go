// Opens two signed checkpoints and checks records and proofs with golang.org/x/mod/sumdb alone.
//
// Reads one JSON object from its standard input (see tests/archive/proof/test_agreement.py).
// Exits with 1 and one line that names what is wrong.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type record struct {
	Index int64
	Body  []byte
	Path  [][]byte
}

type shown struct {
	Vkey        string
	Old, New    string
	Consistency [][]byte
	Records     []record
}

type state struct {
	size int64
	root tlog.Hash
}

func main() {
	var in shown
	must("input", json.NewDecoder(os.Stdin).Decode(&in))
	verifier, err := note.NewVerifier(in.Vkey)
	must("verifier key", err)
	old, now := open("old note", in.Old, verifier), open("new note", in.New, verifier)
	must("consistency", tlog.CheckTree(hashes(in.Consistency), now.size, now.root, old.size, old.root))
	for _, each := range in.Records {
		leaf := tlog.RecordHash(each.Body)
		name := fmt.Sprintf("record %d", each.Index)
		must(name, tlog.CheckRecord(hashes(each.Path), now.size, now.root, each.Index, leaf))
	}
	fmt.Printf("%d records in the tree of %d, which continues %d\n", len(in.Records), now.size, old.size)
}

// open reads a C2SP checkpoint: origin, size and root, a line each, under the log's own signature.
func open(name, text string, verifier note.Verifier) state {
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	must(name, err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(name, fmt.Errorf("not a checkpoint of %s", verifier.Name()))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(name, err)
	root, err := tlog.ParseHash(lines[2])
	must(name, err)
	return state{size, root}
}

func hashes(path [][]byte) []tlog.Hash {
	found := make([]tlog.Hash, len(path))
	for at, each := range path {
		if copy(found[at][:], each) != tlog.HashSize || len(each) != tlog.HashSize {
			must("path", fmt.Errorf("a hash of %d bytes", len(each)))
		}
	}
	return found
}

func must(name string, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		os.Exit(1)
	}
}
