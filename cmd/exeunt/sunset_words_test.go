package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/server"
	"exeunt/internal/sunset"
	"exeunt/ledger"
)

// sentences are two words of English with a space between them: names of steps, phases and classes have none.
var sentences = regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)

// TestSunsetReportsInChinese prints a rehearsal that went astray in every way, and a status, by a Chinese locale: nothing is said in English.
func TestSunsetReportsInChinese(t *testing.T) {
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	src, err := os.ReadFile(circlesFile)
	if err != nil {
		t.Fatal(err)
	}
	cal, err := exit.ParseSunset(src)
	if err != nil {
		t.Fatal(err)
	}
	at := cal.At(exit.Stopped)
	rehearsed := rehearsalText(server.Rehearsal{
		Phases: []server.RehearsedPhase{{Word: exit.ReadOnly, At: at, Before: &sunset.Probe{At: at, Allowed: []string{"read"}}, After: sunset.Probe{At: at, Agrees: true}, Took: time.Second, Archives: 3, Failed: 1}},
		Erased: []server.RehearsedStep{{Key: "erase:post.posts", Items: 7, Bytes: 1 << 20}}, Open: []server.RehearsedStep{{Key: "pack:sunset", State: exit.StepStuck, Problem: "error.not_found"}},
		Left: []sunset.Amount{{Class: "post.posts", Items: 2}}, Archives: 3, Failed: 1, Stuck: 1,
	}, cal.Zone)
	status := statusText(sunset.Status{
		Sunset: sunset.Sunset{Name: "wechat-circles", State: "open", Version: 2, Run: "r1", Calendar: cal}, Run: exit.RunOpen, Versions: []sunset.VersionStatus{{Version: 1, Published: at}}, Skipped: 4, Leavers: 5,
	})
	for _, text := range []string{rehearsed, status, errRehearsal().Error(), errRefused().Error()} {
		if found := sentences.FindString(text); found != "" {
			t.Errorf("%q is English:\n%s", found, text)
		}
	}
	for _, want := range []string{"没有封存", "没有做完：pack:sunset，卡住了", "与日历不符", "什么都不再允许", "留有残余：post.posts，2 项"} {
		if !strings.Contains(rehearsed, want) {
			t.Errorf("the rehearsal does not say %s:\n%s", want, rehearsed)
		}
	}
	for _, want := range []string{"进行中", "第 2 版", "放弃 4 份", "主人已在离开 5 份"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status does not say %s:\n%s", want, status)
		}
	}
}

// TestCertificateSaysWhy prints an operator's reason, and what was given up, with a certificate.
func TestCertificateSaysWhy(t *testing.T) {
	c := ledger.Certificate{Zone: "UTC", Sunset: &ledger.Sunset{Notice: "n", Ends: "circle", Override: "The building is sold.", Archives: ledger.SunsetArchives{Made: 2, Skipped: 1, Unfetched: 2}}}
	if text := sunsetLines(c); !strings.Contains(text, "The building is sold.") || !strings.Contains(text, "2 not, 1 given up") {
		t.Errorf("it prints\n%s", text)
	}
}
