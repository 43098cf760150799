using System.Diagnostics;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>
/// One more command in a container that runs, as the container's user, with its environment and in its working directory.
/// The one way to run anything in a container later on: hooks, probes and <c>kubectl exec</c> all come here.
/// </summary>
internal sealed class ExecSession : ContainerSession
{
    /// <summary>Refusals are short; whatever is longer is cut.</summary>
    private const int RefusalCharsAtMost = 4096;

    /// <summary>What a session that was left alone may still do on SIGHUP; and how long a killed one is waited for.</summary>
    private static readonly TimeSpan HangUpLimit = TimeSpan.FromSeconds(2);

    private readonly Process _entry;
    private readonly PseudoTerminal? _terminal;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _exited = new();

    private ExecSession(Process entry, PseudoTerminal? terminal, TimeProvider time)
    {
        _entry = entry;
        _terminal = terminal;
        _time = time;
        if (terminal is null)
        {
            Input = entry.StandardInput.BaseStream;
            Output = new ProcessOutput(entry.StandardOutput.BaseStream, time, _exited.Token);
            Error = new ProcessOutput(entry.StandardError.BaseStream, time, _exited.Token);
        }
        else
        {
            Input = new TerminalInput(terminal, time, _exited.Token);
            Output = new ProcessOutput(terminal, time, _exited.Token);
            Error = Stream.Null;
        }

        Ended = EndAsync();
    }

    public override Stream Input { get; }
    public override Stream Output { get; }
    public override Stream Error { get; }
    public override Task<int> Ended { get; }

    /// <param name="terminal">Give the command a terminal, which then is its controlling one, rather than pipes.</param>
    /// <exception cref="ExecRefusedException">The command does not exist or cannot be run, or the container has just ended.</exception>
    public static async Task<ExecSession> StartAsync(RunningContainer container, IReadOnlyList<string> command, bool terminal, TimeProvider time, CancellationToken cancellation)
    {
        var console = terminal ? OpenTerminal(container) : null;
        var entry = Tool.Start(container.ExecWords(command, console?.Number));
        try
        {
            await ReadPreludeAsync(entry, cancellation);
            return new ExecSession(entry, console, time);
        }
        catch
        {
            console?.Dispose();
            ProcessTree.Kill(entry.Id);
            Tool.Release(entry);
            throw;
        }
    }

    public override void Resize(TerminalSize size) => _terminal?.Resize(size);

    public override async ValueTask DisposeAsync()
    {
        if (!Ended.IsCompleted)
        {
            // The kernel hangs up whoever has the terminal; without one, this is what a shell's end does to its jobs.
            _terminal?.Dispose();
            ProcessTree.SignalBelow(_entry.Id, LibC.SigHangUp);
            if (!await HasEndedAsync())
            {
                ProcessTree.Kill(_entry.Id);
                await HasEndedAsync();
            }
        }

        _terminal?.Dispose();
        Tool.Release(_entry);
        _exited.Dispose();
    }

    private async Task<bool> HasEndedAsync() => await Task.WhenAny(Ended, Task.Delay(HangUpLimit, _time, CancellationToken.None)) == Ended;

    private static PseudoTerminal OpenTerminal(RunningContainer container)
    {
        try
        {
            return PseudoTerminal.Open(container.InitPid);
        }
        catch (SandboxException refused)
        {
            throw new ExecRefusedException(refused.Message);
        }
    }

    private async Task<int> EndAsync()
    {
        await _entry.WaitForExitAsync(CancellationToken.None);
        await _exited.CancelAsync();
        return _entry.ExitCode;
    }

    /// <summary>The script's first line says whether the command starts. Read byte by byte: what follows is the command's own.</summary>
    private static async Task ReadPreludeAsync(Process entry, CancellationToken cancellation)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await entry.StandardOutput.BaseStream.ReadAsync(one, cancellation) == 1 && one[0] != (byte)'\n' && line.Count < RefusalCharsAtMost) line.Add(one[0]);
        var text = Encoding.UTF8.GetString([.. line]);
        if (text == $"{ContainerScript.Mark}started") return;
        const string refused = "refused ";
        if (text.StartsWith($"{ContainerScript.Mark}{refused}", StringComparison.Ordinal)) throw new ExecRefusedException(text[(refused.Length + 1)..]);
        // nsenter itself gave up, most likely because the container is no more.
        var said = new char[RefusalCharsAtMost];
        var length = await entry.StandardError.ReadBlockAsync(said, cancellation);
        throw new ExecRefusedException($"the container could not be entered: {text}{new string(said, 0, length)}".Trim());
    }

    /// <summary>
    /// Input that ends with the terminal's own character for it, and stays at its end. Once is not enough: an end that nobody has read yet
    /// when a program takes the terminal out of line mode, as a shell does for each prompt, turns into a NUL that ends nothing (the
    /// kernel's n_tty).
    /// </summary>
    /// <param name="exited">Cancelled when the process has exited.</param>
    private sealed class TerminalInput(PseudoTerminal terminal, TimeProvider time, CancellationToken exited) : WriteOnlyStream
    {
        private static readonly TimeSpan EndAgain = TimeSpan.FromSeconds(1);

        private bool _ended;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            _ended ? throw new IOException("this input has ended") : terminal.WriteAsync(buffer, cancellationToken);

        public override ValueTask DisposeAsync()
        {
            if (!_ended) _ = EndAsync();
            _ended = true;
            return ValueTask.CompletedTask;
        }

        private async Task EndAsync()
        {
            try
            {
                while (true)
                {
                    await terminal.EndInputAsync(exited);
                    await Task.Delay(EndAgain, time, exited);
                }
            }
            catch (Exception over) when (over is IOException or OperationCanceledException)
            {
                // The terminal is gone, and with it everybody who could have read on.
            }
        }
    }
}

/// <summary>The command never ran; the message is the runtime's, for the person who asked.</summary>
public sealed class ExecRefusedException(string message) : Exception(message);
