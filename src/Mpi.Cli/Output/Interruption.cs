using System.Runtime.InteropServices;

namespace Mpi.Cli;

/// <summary>
/// Ctrl-C and SIGTERM in two stages: the first signal cancels, so that everything is cleaned up; a second one ends the
/// program at once. What the kernel holds for us (namespaces, processes) goes either way.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public Interruption()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => On(context, Cli.ExitCode.Interrupted));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => On(context, Cli.ExitCode.Terminated));
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The exit code that names the signal, once one came.</summary>
    public int? ExitCode { get; private set; }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void On(PosixSignalContext context, int code)
    {
        if (ExitCode is not null) Environment.Exit(code);
        ExitCode = code;
        context.Cancel = true;
        _source.Cancel();
    }
}
