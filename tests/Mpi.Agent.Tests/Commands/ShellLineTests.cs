using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class ShellLineTests
{
    private static readonly Dictionary<string, string> Worker = new(StringComparer.Ordinal)
    {
        ["PATH"] = "/usr/bin:/bin", ["HOME"] = "/home/mpi user", ["EMPTY"] = "", ["GLOB"] = "*", ["NUM"] = "7",
    };

    [Theory]
    [InlineData("ompi4-bare")]
    [InlineData("ompi4-attached")]
    [InlineData("ompi4-bourne")]
    [InlineData("ompi4-nouser")]
    public void Open_MPI_called_by_name_is_one_program_found_in_PATH(string name)
    {
        var command = Command(Recorded.Call(name).Line);

        Assert.Equal("orted", command.Argv[0]);
        Assert.Equal("env", After(command, "ess"));
        Assert.StartsWith("pi-launcher,[3:127].0.9.1", After(command, "orte_node_regex"), StringComparison.Ordinal);
        Assert.Matches(@"^[0-9]+\.0;tcp://10\.1\.2\.3:[0-9]+;tcp6://\[fd00::9\]:[0-9]+$", After(command, "orte_hnp_uri"));
        Assert.Equal("^s1,s2,cray,isolated", After(command, "pmix"));
        Assert.Empty(command.Environment);
    }

    [Theory]
    [InlineData("ompi4-absolute")]
    [InlineData("ompi4-bourne-absolute")]
    public void Open_MPI_called_by_its_path_puts_that_before_the_workers_PATH(string name)
    {
        var command = Command(Recorded.Call(name).Line);

        Assert.Equal("/usr/bin/orted", command.Argv[0]);
        Assert.Equal("/usr/bin:/usr/bin:/bin", command.Environment["PATH"]);
        Assert.Equal("/usr/lib:", command.Environment["LD_LIBRARY_PATH"]);
        Assert.Equal("/usr/lib:", command.Environment["DYLD_LIBRARY_PATH"]);
        Assert.Equal("env", After(command, "ess"));
    }

    [Fact]
    public void Open_MPI_does_not_quote_a_prefix_with_a_blank_and_neither_do_we()
    {
        Assert.IsType<ShellLine.NeedsShell>(Read(Recorded.Call("ompi4-prefix").Line));
    }

    [Fact]
    public void A_profile_that_is_there_is_the_shells_to_read()
    {
        var line = Recorded.Call("ompi4-bourne").Line;

        Assert.IsType<ShellLine.NeedsShell>(ShellLine.Read(line, Worker.GetValueOrDefault, hasProfile: true));
    }

    [Fact]
    public void Open_MPI_5_with_a_prefix_sets_its_variables_first()
    {
        // As PRRTE 3's plm_ssh_module.c puts it together.
        var command = Command("cd /scratch ; PRTE_PREFIX=/opt/ompi5 ; export PRTE_PREFIX ; PMIX_PREFIX=/opt/pmix ; export PMIX_PREFIX ; "
            + "LD_LIBRARY_PATH=/opt/ompi5/lib:/opt/pmix/lib:$LD_LIBRARY_PATH ; export LD_LIBRARY_PATH ; "
            + "DYLD_LIBRARY_PATH=/opt/ompi5/lib:$DYLD_LIBRARY_PATH ; export DYLD_LIBRARY_PATH ;   /opt/ompi5/bin/prted --prtemca ess \"env\" --prtemca ess_base_nspace \"prterun-pi-launcher-7@0\"");

        Assert.Equal(["/opt/ompi5/bin/prted", "--prtemca", "ess", "env", "--prtemca", "ess_base_nspace", "prterun-pi-launcher-7@0"], command.Argv);
        Assert.Equal("/opt/ompi5", command.Environment["PRTE_PREFIX"]);
        Assert.Equal("/opt/ompi5/lib:/opt/pmix/lib:", command.Environment["LD_LIBRARY_PATH"]);
        Assert.Equal("/scratch", command.Directory);
    }

    [Fact]
    public void Hydra_calls_its_proxy_by_its_path()
    {
        var command = Command(Recorded.Call("mpich-bare").Line);

        Assert.Equal("/usr/bin/hydra_pmi_proxy", command.Argv[0]);
        Assert.StartsWith("pi-launcher:", After(command, "--control-port"), StringComparison.Ordinal);
        Assert.Equal("0", command.Argv[^1]);
    }

    [Fact]
    public void A_variable_that_is_not_exported_stays_the_shells_own()
    {
        var command = Command("A=1 ; B=$A.2 ; export B ; PATH=/opt/bin:$PATH ; program");

        Assert.Equal([new("B", "1.2"), new("PATH", "/opt/bin:/usr/bin:/bin")], command.Environment);
    }

    /// <summary>What this reader takes for one command, a real shell must see the same way.</summary>
    [Theory]
    [InlineData("""printf '%s\n' a "b c" 'd  e' f\ g "" '' "a'b" 'a"b' a"b"'c'""")]
    [InlineData("""printf '%s\n' "$HOME" "${HOME}" ${NUM} $NUM$NUM a$NUM.b "\$HOME" '\$HOME' "a\b" "a\\b" \$HOME""")]
    [InlineData("""printf '%s\n' ${NONE:-x} ${NUM:-x} "${EMPTY:-e}" "${EMPTY-e}" "${NONE+y}" "${NUM:+y}" $EMPTY ${NONE} "$EMPTY" $ "$" a$""")]
    [InlineData("""A='x  y' ; B=$A$HOME ; export A B; printf '%s\n' "$A" "$B" """)]
    [InlineData("""exec printf '%s\n' a=b --c=d x:~ y~ a#b ^ % @ , + = A=1""")]
    public void It_reads_as_a_shell_reads(string line)
    {
        var command = Command(line);

        Assert.Equal(RunShell(line), string.Concat(command.Argv.Skip(2).Select(static word => word + "\n")));
    }

    [Theory]
    [InlineData("a | b")]
    [InlineData("a && b")]
    [InlineData("a ; b")]
    [InlineData("a & ")]
    [InlineData("a > /tmp/x")]
    [InlineData("a $(b)")]
    [InlineData("a `b`")]
    [InlineData("a \"`b`\"")]
    [InlineData("a *.c")]
    [InlineData("a ~/x")]
    [InlineData("A=~/x ; a")]
    [InlineData("A=1 a")]
    [InlineData("a {b,c}")]
    [InlineData("a # b")]
    [InlineData("a 'b")]
    [InlineData("a \"b")]
    [InlineData("a $HOME")]
    [InlineData("a $GLOB")]
    [InlineData("a $1")]
    [InlineData("a $?")]
    [InlineData("a ${NUM%7}")]
    [InlineData("a ${NONE:-$HOME}")]
    [InlineData("a\nb")]
    [InlineData("if true; then a; fi")]
    [InlineData("umask 022 ; a")]
    [InlineData("set path = ( /usr/bin $path ) ; if ( $?LD_LIBRARY_PATH == 1 ) set OMPI_have_llp")]
    [InlineData("a ;; b")]
    [InlineData("")]
    [InlineData("A=1")]
    [InlineData("export A=$HOME *")]
    public void The_rest_is_a_shells_and_is_said_to_be(string line)
    {
        Assert.NotEmpty(Assert.IsType<ShellLine.NeedsShell>(Read(line)).Why);
    }

    [Fact]
    public void No_line_makes_it_fail()
    {
        var characters = Gen.Elements("ab= ;'\"\\$}{~:-+|&()\n#*AZ_0".ToCharArray());
        var lines = Gen.Select(Gen.ArrayOf(characters), static c => new string(c)).ToArbitrary();

        Prop.ForAll(lines, static line => Read(line) is ShellLine.Command { Argv: [{ Length: > 0 }, ..] } or ShellLine.NeedsShell { Why.Length: > 0 })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    private static ShellLine Read(string line) => ShellLine.Read(line, Worker.GetValueOrDefault, hasProfile: false);

    private static ShellLine.Command Command(string line) => Read(line) switch
    {
        ShellLine.Command command => command,
        ShellLine.NeedsShell(var why) => throw new InvalidOperationException($"needs a shell: {why}"),
        _ => throw new UnreachableException(),
    };

    private static string After(ShellLine.Command command, string word) => command.Argv[command.Argv.IndexOf(word) + 1];

    private static string RunShell(string line)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", line]) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment.Clear();
        foreach (var (name, value) in Worker) start.Environment[name] = value;
        using var shell = Process.Start(start)!;
        var output = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return output;
    }
}
