package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// vocabulary is what made texts consist of: words of two Chinese characters and, one in four, English ones, each less frequent than the
// one before it: of all words in texts the first m are the cube root of m / the number of words.
type vocabulary struct{ words []string }

const (
	vocabularySize = 100_000
	wordsEach      = 24 // in a text, on average
)

func newVocabulary() *vocabulary {
	v := &vocabulary{}
	random := rand.New(rand.NewPCG(1, 2))
	character := func() rune { return rune(0x4e00 + min(random.IntN(6000), random.IntN(6000), random.IntN(6000))) }
	for len(v.words) < vocabularySize {
		if len(v.words)%4 != 3 {
			v.words = append(v.words, string([]rune{character(), character()}))
			continue
		}
		word := make([]byte, 2+random.IntN(7))
		for i := range word {
			word[i] = "etaoinshrdlucmfwypvbgkqjxz"[min(random.IntN(26), random.IntN(26))]
		}
		v.words = append(v.words, string(word)+" ")
	}
	return v
}

func (v *vocabulary) text(random *rand.Rand) string {
	var b strings.Builder
	for n := range wordsEach/2 + random.IntN(wordsEach+1) {
		if n > 0 && random.IntN(8) == 0 {
			b.WriteString("，")
		}
		b.WriteString(v.words[int(math.Pow(random.Float64(), 3)*vocabularySize)])
	}
	return b.String()
}

// share gives how often, of all words in texts, the word of a rank stands there.
func share(rank int) float64 {
	return math.Cbrt(float64(rank+1)/vocabularySize) - math.Cbrt(float64(rank)/vocabularySize)
}

// question is a sort of search: how many characters, and whether they are frequent.
type question struct {
	name  string
	words []string
}

// rarest ends the name of a search whose words fill a page in the larger community alone: its pages are not compared.
const rarest = "rarest"

// filling is the least share of all words with which one is said to be rare and fills a page in the smaller community too, for whoever sees half
// of it: 40 times in 100,000 posts.
const filling = 40.0 / wordsEach / 100_000

// questionsEach is how many different words are asked of a sort.
const questionsEach = 60

// questions gives what is searched for. The frequent and the rare ones fill a page in either community, the rarest in the larger alone, if there; the rarest of
// four characters are parts of texts that are there.
func (v *vocabulary) questions(texts []string) []question {
	frequency := map[string]float64{}
	var frequent, rare, last []string
	for i, w := range v.words {
		if i%4 == 3 {
			continue
		}
		for _, c := range w {
			frequency[string(c)] += share(i)
		}
		if len(frequent) < questionsEach {
			frequent = append(frequent, w)
		}
	}
	for i := len(v.words) - 4; len(rare) < questionsEach; i -= 4 {
		if len(last) < questionsEach {
			last = append(last, v.words[i])
		}
		if share(i) >= filling {
			rare = append(rare, v.words[i])
		}
	}
	var characters []string
	for c := range frequency {
		characters = append(characters, c)
	}
	slices.SortFunc(characters, func(a, b string) int {
		if frequency[a] != frequency[b] {
			return int(math.Copysign(1, frequency[b]-frequency[a]))
		}
		return strings.Compare(a, b)
	})
	filled := slices.IndexFunc(characters, func(c string) bool { return frequency[c] < filling })
	if filled < questionsEach {
		filled = len(characters)
	}
	pairs := v.pairs()
	var parts []string
	for _, t := range texts {
		for _, piece := range strings.FieldsFunc(t, func(c rune) bool { return c < 0x4e00 || c > 0x9fff }) {
			if r := []rune(piece); len(r) >= 4 && len(parts) < questionsEach {
				parts = append(parts, string(r[len(r)-4:]))
				break
			}
		}
	}
	return []question{
		{"1 character, frequent", characters[:questionsEach]},
		{"1 character, rare", characters[filled-questionsEach : filled]},
		{"1 character, " + rarest, characters[len(characters)-questionsEach:]},
		{"2 characters, frequent", frequent},
		{"2 characters, rare", rare},
		{"2 characters, " + rarest, last},
		{"4 characters, frequent", pairs[:len(pairs)/2]},
		{"4 characters, rare", pairs[len(pairs)/2:]},
		{"4 characters, " + rarest, parts},
	}
}

// pairs gives two words in a row, those that stand so more often first, as far as they fill a page in the smaller community.
func (v *vocabulary) pairs() []string {
	const together = 7.0 / 8 // words with no comma between them
	often := map[string]float64{}
	var pairs []string
	for i, first := range v.words {
		if share(i)*share(0)*together < filling {
			break
		}
		for j := 0; share(i)*share(j)*together >= filling; j++ {
			if pair := first + v.words[j]; i%4 != 3 && j%4 != 3 {
				pairs, often[pair] = append(pairs, pair), share(i)*share(j)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b string) int { return cmp.Compare(often[b], often[a]) })
	return pairs
}
