using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>A container from its start to its end. Signals and the end may come from any thread.</summary>
internal sealed class RunningContainer : IDisposable
{
    /// <summary>Setting up says little; a tool that floods us is cut off.</summary>
    private const int PreludeBytesAtMost = 64 * 1024;

    /// <summary>What hooks and probes say beyond this is not kept.</summary>
    private const int ExecCharsAtMost = 64 * 1024;

    private readonly Process _entry;
    private readonly TaskCompletionSource<ContainerStart> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte> _prelude = [];
    private volatile bool _preludeOver;
    private volatile int _initPid;
    private volatile bool _killedBeforeCommand;
    private PseudoTerminal? _terminal;
    private Task _terminalRead = Task.CompletedTask;

    private RunningContainer(Process entry, PodSandbox pod, ContainerSpec spec, ContainerLog log)
    {
        _entry = entry;
        Pod = pod;
        Spec = spec;
        Log = log;
        if (!spec.Input && !spec.Terminal) entry.StandardInput.Close();
        Ended = ReadToEndAsync();
    }

    public PodSandbox Pod { get; }
    public ContainerSpec Spec { get; }
    public ContainerLog Log { get; }

    /// <summary>The command's output as it comes, for those who attach.</summary>
    public OutputTap Output { get; } = new();

    /// <summary>As <see cref="Output"/>; silent with a terminal.</summary>
    public OutputTap Error { get; } = new();

    /// <summary>Completes when the command runs, or when it turned out that it cannot.</summary>
    public Task<ContainerStart> Started => _started.Task;

    /// <summary>Completes with the exit code, 128 plus the signal's number after a signal, once all output is in the log.</summary>
    public Task<int> Ended { get; }

    /// <summary>PID 1 of the container as this process sees it; 0 before the start.</summary>
    public int InitPid => _initPid;

    /// <param name="folder">The container's folder inside the sandbox, with <c>root</c> and <c>mounts</c> in place.</param>
    public static RunningContainer Start(PodSandbox pod, ContainerSpec spec, string folder, ContainerLog log)
    {
        var script = $"{folder}/start";
        SandboxFiles.Write(pod.Cluster.Files + script, ContainerScript.Start(spec, pod.Cluster.Mode, folder));
        var entry = Tool.Start([.. pod.Enter(), "unshare", "--mount", "--pid", "--fork", "sh", script]);
        return new RunningContainer(entry, pod, spec, log);
    }

    /// <summary>Whether the command is there: it was begun and has not ended, though its last output may not be in the log yet.</summary>
    public bool HasCommand => Main() is not null;

    /// <summary>Signals the command itself, as a container runtime signals PID 1 of the container.</summary>
    public bool Signal(int signal) => Main() is { } pid && LibC.Kill(pid, signal);

    /// <summary>Ends every process of the container.</summary>
    public void Kill()
    {
        // Once it has ended, its PIDs may be others'.
        if (Ended.IsCompleted) return;
        // The command first: PID 1 then ends with its exit code, 137, and with PID 1 everything goes. Were PID 1 itself killed, unshare would
        // write a complaint of its own into the log and end with 1 (util-linux 2.38). Before there is a command, PID 1 or whatever is to become
        // it: what it has started by then are its own tools, without which it might go on.
        if (_preludeOver && Signal(LibC.SigKill)) return;
        _killedBeforeCommand = true;
        if (_initPid > 0) LibC.Kill(_initPid, LibC.SigKill);
        else ProcessTree.Kill(_entry.Id);
    }

    /// <summary>
    /// Runs a command in the container, as its user and with its environment, and collects what it writes. Killed at the limit (exit
    /// code 124); 127 when it cannot be run.
    /// </summary>
    public async Task<ToolResult> ExecAsync(IReadOnlyList<string> command, TimeSpan limit, TimeProvider time, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            await using var session = await ExecSession.StartAsync(this, command, terminal: false, time, either.Token);
            await session.Input.DisposeAsync();
            var said = new StringBuilder();
            await Task.WhenAll(CollectAsync(session.Output, said, either.Token), CollectAsync(session.Error, said, either.Token));
            return new ToolResult(await session.Ended.WaitAsync(either.Token), said.ToString());
        }
        catch (ExecRefusedException refused)
        {
            return new ToolResult(127, refused.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ToolResult(124, $"{string.Join(' ', command)} took longer than {limit.TotalSeconds:0.#} s", TimedOut: true);
        }
    }

    /// <summary>The words that start a command in the container.</summary>
    /// <param name="terminal">The number of a terminal in the container; null for pipes.</param>
    public IReadOnlyList<string> ExecWords(IReadOnlyList<string> command, int? terminal) =>
    [
        // Into the control group while its path still leads there, so that what the command takes counts, and ends, with the container.
        .. Spec.Group is { } group ? (ReadOnlySpan<string>)["sh", "-ec", $"{group.JoinScript("")}exec \"$@\"", "sh"] : [],
        "nsenter", string.Create(CultureInfo.InvariantCulture, $"--target={_initPid}"), .. Pod.Cluster.UserNamespace, "--mount", "--pid", "--net", "--uts", "--ipc", "--",
        "sh", "-c", ContainerScript.Exec(Spec, Pod.Cluster.Mode, command, terminal),
    ];

    private static async Task CollectAsync(Stream from, StringBuilder into, CancellationToken cancellation)
    {
        using var reader = new StreamReader(from, Encoding.UTF8, leaveOpen: true);
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer.AsMemory(), cancellation)) > 0)
        {
            lock (into)
            {
                if (into.Length < ExecCharsAtMost) into.Append(buffer, 0, read);
            }
        }
    }

    /// <summary>The command's input for one who attaches; what is written to a command that takes none is let go.</summary>
    public Stream JoinInput() => (Spec.Input, _terminal) switch
    {
        (false, _) => Stream.Null,
        // A terminal's input has no end: the next one who attaches goes on.
        (_, { } terminal) => new SharedInput(terminal, closes: false),
        _ => new SharedInput(_entry.StandardInput.BaseStream, Spec.InputOnce),
    };

    /// <summary>Tells the command's terminal its size; without a terminal, nothing.</summary>
    public void Resize(TerminalSize size) => _terminal?.Resize(size);

    public void Dispose()
    {
        _terminal?.Dispose();
        _entry.Dispose();
    }

    /// <summary>The command's own PID: the oldest child of PID 1. Others were orphaned into its care later.</summary>
    private int? Main() => _initPid > 0 && ProcessTree.Children(_initPid) is [var first, ..] ? first : null;

    private async Task<int> ReadToEndAsync()
    {
        var output = PumpAsync(_entry.StandardOutput.BaseStream, isError: false, afterPrelude: true);
        var errors = PumpAsync(_entry.StandardError.BaseStream, isError: true, afterPrelude: false);
        await _entry.WaitForExitAsync(CancellationToken.None);
        Output.Release();
        Error.Release();
        await Task.WhenAll(output, errors);
        // The terminal was opened on the way through the output. Nobody else has it open any more, so that it now ends, too.
        _terminal?.Release();
        await _terminalRead;
        Log.Close(isError: false);
        Log.Close(isError: true);
        Output.Complete();
        Error.Complete();
        var text = Encoding.UTF8.GetString([.. _prelude]).Trim();
        _started.TrySetResult(new ContainerStart.Refused(text.Length > 0 ? text : $"the sandbox ended with exit code {_entry.ExitCode}", ByCommand: false));
        // What was killed on the way to its command, or together with it, ends as a killed command does, and not with unshare's own code.
        // Nothing that is killed ends with 0: then the command had ended by itself just before.
        var wasKilled = _killedBeforeCommand || Spec.Group is { EndedAsOne: true };
        return wasKilled && _entry.ExitCode != 0 ? 128 + LibC.SigKill : _entry.ExitCode;
    }

    private async Task PumpAsync(Stream stream, bool isError, bool afterPrelude)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(32 * 1024);
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer.AsMemory(), CancellationToken.None)) > 0)
            {
                ReadOnlyMemory<byte> bytes = buffer.AsMemory(0, read);
                if (afterPrelude && !_preludeOver) bytes = Prelude(bytes);
                if (bytes.IsEmpty) continue;
                Log.Append(isError, bytes.Span);
                await (isError ? Error : Output).WriteAsync(bytes);
            }
        }
        catch (IOException)
        {
            // The pipe broke with the container; its exit code tells how that came.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            // Disposing the process would leave it to the finalizer (Tool.Release).
            if (stream is not PseudoTerminal) await stream.DisposeAsync();
        }
    }

    /// <summary>Makes the command's terminal, now that the container's <c>/dev/pts</c> stands, and tells the script its number.</summary>
    private void OpenTerminal()
    {
        try
        {
            _terminal = PseudoTerminal.Open(_initPid);
            _terminal.Hold(_initPid);
            _terminalRead = PumpAsync(_terminal, isError: false, afterPrelude: false);
            _entry.StandardInput.WriteLine(_terminal.Number);
        }
        catch (Exception failed) when (failed is SandboxException or IOException)
        {
            // The script waits for a number and fails without one; why stands before what it says.
            _prelude.AddRange(Encoding.UTF8.GetBytes(failed.Message + "\n"));
            _entry.StandardInput.Close();
        }
    }

    /// <summary>Takes the script's own lines from the front of the output and returns what follows them.</summary>
    private ReadOnlyMemory<byte> Prelude(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> rest = bytes;
        while (!_preludeOver && !rest.IsEmpty)
        {
            var newline = rest.Span.IndexOf((byte)'\n');
            if (newline < 0)
            {
                if (_prelude.Count < PreludeBytesAtMost) _prelude.AddRange(rest.Span);
                return default;
            }

            _prelude.AddRange(rest.Span[..newline]);
            rest = rest[(newline + 1)..];
            var line = Encoding.UTF8.GetString([.. _prelude]);
            var begin = line.LastIndexOf(ContainerScript.Mark);
            if (begin < 0)
            {
                _prelude.Add((byte)'\n');
                continue;
            }

            var words = line[(begin + 1)..].Split(' ', 2);
            _prelude.Clear();
            switch (words[0])
            {
                case "init":
                    _initPid = int.Parse(words[1], CultureInfo.InvariantCulture);
                    // It was being started while Kill looked for it.
                    if (_killedBeforeCommand) LibC.Kill(_initPid, LibC.SigKill);
                    break;
                case "terminal":
                    OpenTerminal();
                    break;
                case "started":
                    _preludeOver = true;
                    _started.TrySetResult(new ContainerStart.Running(_initPid));
                    break;
                case "refused":
                    _preludeOver = true;
                    _started.TrySetResult(new ContainerStart.Refused(words[1], ByCommand: true));
                    break;
                default:
                    throw new InvalidOperationException($"unknown line of the container's script: {line}");
            }
        }

        return rest;
    }
}

/// <summary>How a start went.</summary>
internal abstract record ContainerStart
{
    private ContainerStart() { }

    public sealed record Running(int InitPid) : ContainerStart;

    /// <param name="ByCommand">The command does not exist or cannot be run; otherwise the sandbox could not be made.</param>
    public sealed record Refused(string Message, bool ByCommand) : ContainerStart;
}
