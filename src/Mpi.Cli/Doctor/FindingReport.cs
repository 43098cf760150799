namespace Mpi.Cli;

/// <summary>Tells findings on standard output and counts the faults among them.</summary>
internal sealed class FindingReport(RunTerminal terminal)
{
    private readonly bool _colour = terminal.Colour && !Console.IsOutputRedirected;
    private int _faults;

    public void Title(string text) => terminal.Line.Output(text + "\n");

    public void Tell(Findings findings)
    {
        foreach (var finding in findings.All)
        {
            if (finding.Verdict == Verdict.Fault) _faults++;
            terminal.Line.Output(finding.ToText(_colour));
        }
    }

    /// <returns>The exit code.</returns>
    public int End()
    {
        terminal.Line.Show("");
        if (_faults == 0) return ExitCode.Success;
        terminal.Line.Say(_faults == 1 ? "1 fault" : $"{_faults} faults");
        return ExitCode.Failure;
    }
}
