namespace Mpi.Cli;

/// <summary>The exit codes of <c>kubempi</c>. <c>run</c> otherwise ends with the launcher's own code.</summary>
public static class ExitCode
{
    public const int Success = 0;

    /// <summary>The job failed without a launcher's exit code to pass on, or something unexpected went wrong.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the manifest is wrong; nothing was started.</summary>
    public const int Usage = 2;

    /// <summary>This machine lacks something; the message names it and the remedy.</summary>
    public const int MachineUnfit = 3;

    /// <summary><c>--timeout</c> ran out, as <c>timeout(1)</c> says it.</summary>
    public const int TimedOut = 124;

    /// <summary>Ctrl-C: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>128 + SIGTERM.</summary>
    public const int Terminated = 143;
}
