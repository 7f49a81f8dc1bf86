"""The Keycloak distribution: from its Maven coordinates to an unpacked folder."""

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

DEFAULT_VERSION = "26.7.4"
OLDEST_JAVA = 17
DOWNLOAD_SECONDS = 900.0


class KeycloakUnavailable(Exception):
    """Keycloak cannot be had on this machine; the sentence says what to install or to set."""


def wanted_version() -> str:
    """The version to test on: `KEYCLOAK_VERSION`, or the one this suite is written for."""
    return os.environ.get("KEYCLOAK_VERSION") or DEFAULT_VERSION


def cache_folder() -> Path:
    """Where the downloaded archives stay between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "resource_protector" / "keycloak"


def archive(version: str, cache: Path | None = None) -> Path:
    """The zip file of that version, fetched by Maven if the cache does not hold it."""
    folder = cache_folder() if cache is None else cache
    target = folder / f"keycloak-quarkus-dist-{version}.zip"
    if not target.exists():
        _download(version, target)
    return target


def unpack(archive_file: Path, into: Path) -> Path:
    """Unpacks the archive and returns Keycloak's home folder in it."""
    try:
        with zipfile.ZipFile(archive_file) as archived:
            archived.extractall(into)
    except zipfile.BadZipFile as error:
        raise KeycloakUnavailable(
            f"{archive_file} is not a whole zip file: delete it, and it is fetched again"
        ) from error
    (home,) = into.glob("keycloak-*")
    return home


def require_java() -> None:
    """Raises KeycloakUnavailable unless the Java that Keycloak's script would use is new enough."""
    way_out = f"install a Java runtime, {OLDEST_JAVA} or newer (Debian: default-jre-headless), or name a running server in KEYCLOAK_URL"
    try:
        asked = subprocess.run([_java(), "-version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise KeycloakUnavailable(f"Keycloak needs Java, and `{_java()}` does not run: {way_out}") from error
    found = re.search(r'version "(\d+)', asked.stderr + asked.stdout)
    if found is None or int(found[1]) < OLDEST_JAVA:
        version = found[1] if found else "unknown"
        raise KeycloakUnavailable(f"Keycloak needs Java {OLDEST_JAVA}, and `{_java()}` is {version}: {way_out}")


def _java() -> str:
    """The program that kc.sh would choose."""
    if chosen := os.environ.get("JAVA"):
        return chosen
    java_home = os.environ.get("JAVA_HOME")
    return str(Path(java_home) / "bin" / "java") if java_home else "java"


def _download(version: str, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KeycloakUnavailable(
            f"Keycloak {version} is fetched by Maven, and there is no `mvn`: install it (Debian: maven), "
            f"put the archive at {target}, or name a running server in KEYCLOAK_URL"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Copied beside the target and renamed, so that an interrupted run leaves no half of an archive behind.
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        coordinates = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
        command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"]
        try:
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=DOWNLOAD_SECONDS, cwd=folder)
        except subprocess.TimeoutExpired as error:
            raise KeycloakUnavailable(f"Maven did not fetch {coordinates} within {DOWNLOAD_SECONDS:g} s") from error
        except subprocess.CalledProcessError as error:
            complaint = next(iter((error.stdout + error.stderr).strip().splitlines()), "no reason given")
            raise KeycloakUnavailable(f"Maven could not fetch {coordinates}: {complaint}") from error
        (Path(folder) / target.name).replace(target)
