# make install    build, and install what a user needs; PREFIX, DESTDIR as everywhere
#
# PREFIX is compiled in: it says where libpct finds its helper. To build as a
# user and to install as root, say `make programs` and `make install-built`
# with the same PREFIX.

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(DATADIR)/zsh/site-functions

# The folder of the programs to install.
BUILT ?= $(or $(CARGO_TARGET_DIR),target)/release

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# That of the C interface.
SOVERSION := $(shell sed -n 's/.*-soname,libpct\.so\.\([0-9]*\).*/\1/p' libpct/build.rs)

# The shared library with symbol versions.
SHARED = $(BUILT)/libpct.so.$(VERSION)

DOCDIR = $(DATADIR)/doc/pct

.PHONY: programs install install-built install-list deb test-deb

# Whoever builds these must not build them anew for another folder.
programs release bench bench-list bench-abi: export PCT_LIBEXECDIR = $(LIBEXECDIR)/pct

programs:
	$(CARGO) build --release --locked -p libpct -p pct-cli
	@$(MAKE) -s $(SHARED)

install: programs install-built

$(SHARED): $(BUILT)/libpct.a include/libpct.symbols packaging/shared-library.sh
	sh packaging/shared-library.sh $< $@

install-built: $(SHARED)
	install -D $(BUILT)/pct $(DESTDIR)$(SBINDIR)/pct
	install -D $(BUILT)/pct-helper $(DESTDIR)$(LIBEXECDIR)/pct/pct-helper
	install -D -s -m 644 $(SHARED) $(DESTDIR)$(LIBDIR)/libpct.so.$(VERSION)
	ln -sf libpct.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libpct.so.$(SOVERSION)
	ln -sf libpct.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libpct.so
	install -D -m 644 $(BUILT)/libpct.a $(DESTDIR)$(LIBDIR)/libpct.a
	install -D -m 644 include/pct.h $(DESTDIR)$(INCLUDEDIR)/pct.h
	sed -e '/^#/d' -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' include/pct.pc.in | install -D -m 644 /dev/stdin $(DESTDIR)$(LIBDIR)/pkgconfig/pct.pc
	sed 's|/usr/sbin/|$(SBINDIR)/|' packaging/systemd/pct-startall.service | \
		install -D -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/pct-startall.service
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/man/man5 man/*.5
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/man/man8 man/*.8
	@# Proxmox VE has a pvesm of its own, which can more: it must not hide behind this one.
	if [ -n '$(DESTDIR)' ] || [ -L /usr/sbin/pvesm ] || [ ! -e /usr/sbin/pvesm ]; then \
		ln -sf pct $(DESTDIR)$(SBINDIR)/pvesm && \
		ln -sf pct-storage.8 $(DESTDIR)$(DATADIR)/man/man8/pvesm.8; \
	fi
	install -D -m 644 pct-cli/completions/pct.bash $(DESTDIR)$(DATADIR)/bash-completion/completions/pct
	install -D -m 644 pct-cli/completions/_pct $(DESTDIR)$(ZSHDIR)/_pct
	install -D -m 644 pct-cli/completions/pct.fish $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/pct.fish
	install -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/docs docs/*.md
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

install-list:
	PCT_UPDATE=1 $(CARGO) test -p pct-tests --test install the_installed_files

# Packages for Debian, in target/deb.
deb: deps-deb
	$(CARGO) fetch --locked
	sh packaging/deb.sh .

# Makes the roots of Debian 12 and 13 at first.
test-deb: deps-deb
	$(CARGO) fetch --locked
	sh tests/packaging/deb.sh .
