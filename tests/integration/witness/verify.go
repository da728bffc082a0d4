// Judges the files of a folder with Go's standard library: the path, and the issuing CA's list.
package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

func read(name string) []byte {
	data, problem := os.ReadFile(filepath.Join(os.Args[1], name))
	refuse(problem)
	return data
}

func refuse(problem error) {
	if problem != nil {
		fmt.Println("refused:", problem)
		os.Exit(3)
	}
}

func main() {
	leaf, problem := x509.ParseCertificate(read("leaf.der"))
	refuse(problem)
	issuing, problem := x509.ParseCertificate(read("issuing.der"))
	refuse(problem)
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(read("root.pem"))
	between.AddCert(issuing)
	_, problem = leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	refuse(problem)
	list, problem := x509.ParseRevocationList(read("issuing.crl"))
	refuse(problem)
	refuse(list.CheckSignatureFrom(issuing))
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
			refuse(fmt.Errorf("revoked"))
		}
	}
	fmt.Println("accepted")
}
