package natsd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/highwayhash"
)

// How nats-server keeps a stream, and a consumer in the stream's folder obs: its
// configuration in metaFile, and then the checksum of that in sumFile.
const (
	metaFile = "meta.inf"
	sumFile  = "meta.sum"
)

// repair mends what a process leaves that ends between the two files, which
// nats-server does not: it passes over a stream without a matching sum, and a
// stream that is then made again in the same folder never gets one, so that
// every later start loses it anew. It also mends damage by a disk.
//
// A stream or a consumer whose creation was cut off holds nothing that anybody
// was told of, and is removed, to be made again. Where only a change of the
// configuration was cut off, the sum is written for the configuration that is
// there. A stream or a consumer whose configuration is lost is moved aside as a
// whole, to be made again as well: the daemon publishes again what it still has
// of that, and a consumer goes on from the place in the state.
func repair(storeDir string, log *slog.Logger) error {
	streams, err := filepath.Glob(filepath.Join(storeDir, "jetstream", "*", "streams", "*"))
	if err != nil {
		return err
	}
	for _, dir := range streams {
		if err := repairStream(storeDir, dir, log); err != nil {
			return fmt.Errorf("stream %s in %s: %w", filepath.Base(dir), storeDir, err)
		}
	}
	return nil
}

func repairStream(storeDir, dir string, log *slog.Logger) error {
	name := filepath.Base(dir)
	used, err := hasFiles(dir, "msgs", "*.blk")
	if err != nil {
		return err
	}
	messages, err := mendBlocks(storeDir, dir, name, log)
	if err != nil {
		return err
	}
	lost, err := mend(dir, name, name, used, log)
	if err != nil {
		return err
	}
	if lost {
		return putAside(storeDir, dir, name, log, "messages", messages)
	}
	consumers, err := filepath.Glob(filepath.Join(dir, "obs", "*"))
	if err != nil {
		return err
	}
	for _, dir := range consumers {
		consumer := filepath.Base(dir)
		used, err := hasFiles(dir, "o.dat")
		if err != nil {
			return err
		}
		lost, err := mend(dir, consumer, name+"/"+consumer, used, log)
		if err == nil && lost {
			err = putAside(storeDir, dir, name+"."+consumer, log)
		}
		if err != nil {
			return fmt.Errorf("consumer %s: %w", consumer, err)
		}
	}
	return nil
}

// mend looks at one folder. The key is what its sum is made with, and used says
// that it holds more than a configuration. It says whether the configuration is
// lost.
func mend(dir, name, key string, used bool, log *slog.Logger) (lost bool, err error) {
	meta, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	sum, err := os.ReadFile(filepath.Join(dir, sumFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	want, err := metaSum(key, meta)
	if err != nil || string(sum) == want && len(meta) > 0 {
		return false, err
	}
	if !used {
		log.Warn("the creation of a stream or consumer was cut off; it is made again", "name", name)
		return false, os.RemoveAll(dir)
	}
	if !describes(meta, name) {
		return true, nil
	}
	log.Warn("a change of a stream or consumer was cut off; it is completed", "name", name)
	return false, writeSynced(filepath.Join(dir, sumFile), []byte(want))
}

// describes says whether a configuration is whole, and that of this name.
func describes(meta []byte, name string) bool {
	var config struct {
		Name string `json:"name"`
	}
	return json.Unmarshal(meta, &config) == nil && config.Name == name
}

// putAside moves the folder of a stream or a consumer to where nats-server does
// not look. Nothing is deleted: somebody may still want what it holds.
func putAside(storeDir, dir, name string, log *slog.Logger, attrs ...any) error {
	to := aside(storeDir, name)
	if err := os.Rename(dir, to); err != nil {
		return err
	}
	if err := errors.Join(syncDir(filepath.Dir(dir)), syncDir(storeDir)); err != nil {
		return err
	}
	log.With(attrs...).Error("the configuration of a stream or consumer is lost; it was put aside and is made again",
		"name", name, "put_at", to)
	return nil
}

// aside returns where something damaged is put: beside the folder in which
// nats-server keeps its own, under a name that is not taken.
func aside(storeDir, name string) string {
	to := filepath.Join(storeDir, name+".damaged-"+time.Now().UTC().Format("20060102T150405.000Z"))
	free := to
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); err != nil {
			return free
		}
		free = fmt.Sprintf("%s-%d", to, n)
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// metaSum is the checksum that nats-server expects in sumFile.
func metaSum(key string, meta []byte) (string, error) {
	secret := sha256.Sum256([]byte(key))
	h, err := highwayhash.New64(secret[:])
	if err != nil {
		return "", err
	}
	if _, err := h.Write(meta); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hasFiles says whether a file of that pattern below dir holds anything.
func hasFiles(dir string, pattern ...string) (bool, error) {
	names, err := filepath.Glob(filepath.Join(append([]string{dir}, pattern...)...))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return false, err
		}
		if info.Size() > 0 {
			return true, nil
		}
	}
	return false, nil
}

func writeSynced(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
