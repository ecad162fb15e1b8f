# cython: cdivision=True
"""Writing a request into a buffer of fixed size, without allocation. What does not fit or cannot be said voids it (`full`)."""
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

cdef extern from "string.h" nogil:
    size_t strnlen(const char* text, size_t cap)


cdef struct writer_t:
    char* out
    int cap
    int n
    bint full  # something did not fit or could not be said: the request is void


cdef inline void put(writer_t* w, const char* text, int n) noexcept nogil:
    if n > w.cap - w.n:
        w.full = True
        return
    memcpy(w.out + w.n, text, n)
    w.n += n


cdef inline void put_number(writer_t* w, int64_t v) noexcept nogil:
    """Decimal digits of v >= 0."""
    cdef char digits[20]
    cdef int i = 20
    while True:
        i -= 1
        digits[i] = <char>(48 + v % 10)
        v //= 10
        if v == 0:
            break
    put(w, digits + i, 20 - i)


cdef inline void put_decimal(writer_t* w, int64_t v, int scale) noexcept nogil:
    """v / 10**scale in its shortest exact form: 123.4500 is written 123.45, and 123.0000 is written
    123.
    """
    cdef int64_t unit = 1
    cdef int64_t rest
    cdef char digits[8]
    cdef int _, n = 0
    for _ in range(scale):
        unit *= 10
    put_number(w, v // unit)
    rest = v % unit
    digits[0] = 46  # '.'
    while rest:
        unit //= 10
        n += 1
        digits[n] = <char>(48 + rest // unit)
        rest %= unit
    if n:
        put(w, digits, n + 1)


cdef inline bint is_unreserved(char c) noexcept nogil:
    """RFC 3986: letters, digits and -._~ stand for themselves."""
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == 45 or c == 46 or c == 95 or c == 126


cdef inline void put_escaped(writer_t* w, const char* text, int cap) noexcept nogil:
    """A NUL-terminated field of at most `cap` bytes, percent-encoded. An empty one voids the
    request.
    """
    cdef const char* hexadecimal = b"0123456789ABCDEF"
    cdef char triple[3]
    cdef uint8_t c
    cdef int run, i = 0, n = <int>strnlen(text, cap)
    if n == 0:
        w.full = True
    triple[0] = 37  # '%'
    while i < n:
        run = i
        while i < n and is_unreserved(text[i]):
            i += 1
        put(w, text + run, i - run)
        if i < n:
            c = <uint8_t>text[i]
            triple[1] = hexadecimal[c >> 4]
            triple[2] = hexadecimal[c & 15]
            put(w, triple, 3)
            i += 1


cdef inline void put_json_text(writer_t* w, const char* text, int cap) noexcept nogil:
    """A NUL-terminated field of at most `cap` bytes between quotation marks. Empty, or with a character that JSON would have
    escaped, it voids the request: no identifier has one.
    """
    cdef int i, n = <int>strnlen(text, cap)
    if n == 0:
        w.full = True
    for i in range(n):
        if not 32 <= text[i] < 127 or text[i] == 34 or text[i] == 92:
            w.full = True
    put(w, b"\"", 1)
    put(w, text, n)
    put(w, b"\"", 1)
