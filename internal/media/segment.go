package media

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// segment is a part of an image file that its format delimits.
type segment struct {
	name string // a PNG chunk's or RIFF chunk's name, or the JPEG marker as one byte
	data []byte
}

// The JPEG markers (ITU-T T.81, table B.1) that matter here.
const (
	markerSOF0 = 0xc0
	markerSOF2 = 0xc2
	markerDHT  = 0xc4
	markerRST0 = 0xd0
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerAPP1 = 0xe1
)

// jpegSegments gives the segments of a JPEG file; picture data is left out. The last segment of a whole file is EOI, with
// whatever follows it as its data. It stops where the file is broken.
func jpegSegments(b []byte) iter.Seq[segment] {
	return func(yield func(segment) bool) {
		for i := 2; i+1 < len(b); {
			switch m := b[i+1]; {
			case b[i] != 0xff:
				i++ // picture data
			case m == 0xff:
				i++ // fill bytes
			case m == 0 || m >= markerRST0 && m < markerRST0+8:
				i += 2 // an escaped byte, or a restart within the picture
			case m == markerEOI:
				yield(segment{string([]byte{m}), b[i+2:]})
				return
			default:
				if i+4 > len(b) {
					return
				}
				n := int(binary.BigEndian.Uint16(b[i+2:]))
				if n < 2 || i+2+n > len(b) || !yield(segment{string([]byte{m}), b[i+4 : i+2+n]}) {
					return
				}
				i += 2 + n
			}
		}
	}
}

// pngSegments gives the chunks of a PNG file (W3C PNG section 5.3); the data of IEND is what follows the file.
func pngSegments(b []byte) iter.Seq[segment] {
	return func(yield func(segment) bool) {
		for b = b[8:]; len(b) >= 12; {
			n := int64(binary.BigEndian.Uint32(b))
			if n > int64(len(b)-12) {
				return
			}
			name, data := string(b[4:8]), b[8:8+n]
			b = b[12+n:]
			if name == "IEND" {
				yield(segment{name, b})
				return
			}
			if !yield(segment{name, data}) {
				return
			}
		}
	}
}

// webpSegments gives the chunks of a WebP file (RFC 9649 section 2.3).
func webpSegments(b []byte) iter.Seq[segment] {
	return func(yield func(segment) bool) {
		for b = b[12:]; len(b) >= 8; {
			n := int64(binary.LittleEndian.Uint32(b[4:]))
			if n > int64(len(b)-8) || !yield(segment{string(b[:4]), b[8 : 8+n]}) {
				return
			}
			b = b[min(int64(len(b)), 8+n+n%2):]
		}
	}
}

// webpSize gives the size that the picture itself tells: a key frame of VP8 (RFC 6386 section 9.1) or the head of VP8L
// (RFC 9649 section 3.4).
func webpSize(b []byte) (w, h int) {
	for s := range webpSegments(b) {
		switch {
		case s.name == "VP8 " && len(s.data) >= 10:
			w = max(w, int(binary.LittleEndian.Uint16(s.data[6:])&0x3fff))
			h = max(h, int(binary.LittleEndian.Uint16(s.data[8:])&0x3fff))
		case s.name == "VP8L" && len(s.data) >= 5:
			bits := binary.LittleEndian.Uint32(s.data[1:])
			w, h = max(w, int(bits&0x3fff)+1), max(h, int(bits>>14&0x3fff)+1)
		}
	}
	return w, h
}

// clean reports whether a file that can be decoded holds the picture and nothing else. Unknown parts are not clean.
func clean(b []byte, f format) bool {
	switch f {
	case formatJPEG:
		return cleanJPEG(b)
	case formatPNG:
		whole := false
		for s := range pngSegments(b) {
			switch s.name {
			case "IHDR", "PLTE", "tRNS", "IDAT":
			case "IEND":
				whole = len(s.data) == 0
			default:
				return false
			}
		}
		return whole
	case formatWebP:
		n, size := 0, 12
		for s := range webpSegments(b) {
			if s.name != "VP8 " && s.name != "VP8L" {
				return false
			}
			n, size = n+1, size+8+len(s.data)+len(s.data)%2
		}
		return n == 1 && size == len(b)
	default: // the first frame of a GIF is another file
		return false
	}
}

func cleanJPEG(b []byte) bool {
	for s := range jpegSegments(b) {
		switch m := s.name[0]; {
		case m == markerEOI:
			return len(s.data) == 0
		case m >= markerSOF0 && m <= markerSOF2, m == markerDHT, m == markerDQT, m == markerSOS, m == markerDRI:
		case m == markerAPP0 && len(s.data) == 14 && bytes.HasPrefix(s.data, []byte("JFIF\x00")): // without a thumbnail
		default:
			return false
		}
	}
	return false
}

// progressive reports whether a JPEG file keeps its picture in several scans.
func progressive(b []byte) bool {
	for s := range jpegSegments(b) {
		switch s.name[0] {
		case markerSOF2:
			return true
		case markerSOF0, markerSOF0 + 1, markerSOS:
			return false
		}
	}
	return false
}

// orientation gives what a file's Exif says of how the picture is to be turned, 1 if it says nothing.
func orientation(b []byte, f format) int {
	switch f {
	case formatJPEG:
		for s := range jpegSegments(b) {
			if s.name[0] == markerSOS {
				return 1
			}
			if data, ok := bytes.CutPrefix(s.data, []byte("Exif\x00\x00")); ok && s.name[0] == markerAPP1 {
				return tiffOrientation(data)
			}
		}
	case formatPNG:
		for s := range pngSegments(b) {
			if s.name == "eXIf" {
				return tiffOrientation(s.data)
			}
		}
	case formatWebP:
		for s := range webpSegments(b) {
			if s.name == "EXIF" {
				return tiffOrientation(bytes.TrimPrefix(s.data, []byte("Exif\x00\x00")))
			}
		}
	case formatGIF: // has no place for it
	}
	return 1
}

// tiffOrientation reads tag 0x0112 of the first directory of a TIFF structure (TIFF 6.0, section 2).
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	n := int(order.Uint16(b[at:]))
	for entry := b[at+2:]; n > 0 && len(entry) >= 12; n, entry = n-1, entry[12:] {
		if order.Uint16(entry) == 0x0112 && order.Uint16(entry[2:]) == 3 {
			if v := int(order.Uint16(entry[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
