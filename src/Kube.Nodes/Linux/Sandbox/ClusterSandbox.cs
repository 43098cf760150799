using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>
/// The namespaces in which all pods of one local cluster live, held by one shell. That shell is PID 1 of their PID namespace and
/// reads commands from a pipe of ours: when this process ends, however it ends, the pipe closes, the shell exits, and the
/// kernel kills every pod's processes and drops their mounts, their network and the memory file system with everything they
/// wrote. Nothing on disk, nothing to clean up later.
/// </summary>
/// <remarks>
/// Inside: <c>/</c> is the memory file system (writable by us through <see cref="Files"/>), <c>/machine</c> the machine's own tree,
/// <c>/pods</c> a folder a pod, and a bridge <c>kube0</c>. Methods may be called from any thread; commands run one after another.
/// </remarks>
internal sealed class ClusterSandbox : IAsyncDisposable
{
    /// <summary>Longest a command may take; it only calls <c>mount</c>, <c>ip</c> and the like.</summary>
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    private const char Mark = '\u001e';

    private readonly Process _holder;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private readonly Task<string> _errors;
    private bool _broken;
    private bool _ended;

    private ClusterSandbox(Process holder, SandboxMode mode, ClusterNetwork network, TimeProvider time)
    {
        _holder = holder;
        _time = time;
        _errors = holder.StandardError.ReadToEndAsync(CancellationToken.None);
        Mode = mode;
        Network = network;
    }

    public SandboxMode Mode { get; }
    public ClusterNetwork Network { get; }

    /// <summary>The PID, as this process sees it, of the shell inside.</summary>
    public int HolderPid { get; private set; }

    /// <summary>The sandbox's root as a path of this process: what lies below is read and written like any file.</summary>
    public string Files => $"/proc/{HolderPid}/root";

    /// <summary>The words that start a program inside: its mount, PID and user namespaces, and the given files for others.</summary>
    /// <param name="namespaces">Such as <c>--net=/proc/1/root/pods/x/net</c>.</param>
    public IEnumerable<string> Enter(params IEnumerable<string> namespaces) =>
        ["nsenter", $"--target={HolderPid}", .. UserNamespace, "--mount", "--pid", .. namespaces, "--"];

    /// <summary>Kept credentials: our own UID is UID 0 inside, and calling setgroups is not allowed to everyone.</summary>
    public ImmutableArray<string> UserNamespace => Mode == SandboxMode.Root ? [] : ["--user", "--preserve-credentials"];

    /// <summary>Ends with the sandbox: the shell's last words when it ended by itself.</summary>
    public async Task<string> EndedAsync(CancellationToken cancellation)
    {
        await _holder.WaitForExitAsync(cancellation);
        return (await _errors).Trim();
    }

    /// <exception cref="SandboxException">The machine refuses; <see cref="SandboxSupport"/> finds out why.</exception>
    public static async Task<ClusterSandbox> StartAsync(SandboxMode mode, ClusterNetwork network, TimeProvider time, CancellationToken cancellation)
    {
        Process? userNamespace = null;
        Process holder;
        ImmutableArray<string> unshare = ["--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "sh"];
        switch (mode)
        {
            case SandboxMode.Root:
                holder = Tool.Start(["unshare", .. unshare]);
                break;
            case SandboxMode.SingleId:
                holder = Tool.Start(["unshare", "--user", "--map-root-user", .. unshare]);
                break;
            default:
                // The map can only be written from outside, and a program started before it is written has no rights inside:
                // so one process makes the user namespace, newuidmap fills it, and the holder enters it.
                userNamespace = await SubordinateIds.HoldUserNamespaceAsync(time, cancellation);
                holder = Tool.Start(["nsenter", $"--user=/proc/{userNamespace.Id}/ns/user", "--preserve-credentials", "--", "unshare", .. unshare]);
                break;
        }

        var sandbox = new ClusterSandbox(holder, mode, network, time);
        try
        {
            // In the shell itself rather than in a subshell, since pivot_root and cd are about the shell.
            var answer = await sandbox.AskAsync($"{HolderScript.For(network)}\nprintf '\\036%s\\n' \"0 $hostpid\"\n", cancellation);
            sandbox.HolderPid = int.Parse(answer.Last.Split(' ')[1]);
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
        finally
        {
            if (userNamespace is not null)
            {
                userNamespace.StandardInput.Close();
                userNamespace.Dispose();
            }
        }
    }

    /// <summary>Runs a script inside, as UID 0 there, and returns what it printed. The first command that fails ends it.</summary>
    /// <exception cref="SandboxException">The script failed; the message holds its output.</exception>
    public async Task<string> RunAsync(string script, CancellationToken cancellation)
    {
        var (output, last) = await AskAsync($"( set -e\n{script}\n) </dev/null 2>&1\nprintf '\\036%s\\n' $?\n", cancellation);
        return last == "0" ? output : throw new SandboxException(output.Trim() is { Length: > 0 } text ? text : $"exit code {last}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended) return;
        _ended = true;
        try
        {
            _holder.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already; closing flushed into nothing.
        }

        if (!await HasEndedAsync())
        {
            // A mount or an ip command hangs. With PID 1 everything goes; what the kernel itself cannot end is not waited for.
            ProcessTree.Kill(_holder.Id);
            await HasEndedAsync();
        }

        // A command under way still releases the semaphore, which holds nothing that would need disposal.
        _holder.Dispose();
    }

    private async Task<bool> HasEndedAsync()
    {
        using var late = new CancellationTokenSource(EndLimit, _time);
        try
        {
            await _holder.WaitForExitAsync(late.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<(string Output, string Last)> AskAsync(string commands, CancellationToken cancellation)
    {
        if (_ended) throw new SandboxException("the sandbox has ended");
        await _oneAtATime.WaitAsync(cancellation);
        try
        {
            if (_broken) throw new SandboxException("the shell that holds the cluster's namespaces has stopped answering");
            // From here on there is no way back: half a command would be read as the beginning of the next.
            _broken = true;
            await _holder.StandardInput.WriteAsync(commands.AsMemory(), CancellationToken.None);
            await _holder.StandardInput.FlushAsync(CancellationToken.None);
            using var late = new CancellationTokenSource(CommandLimit, _time);
            var output = new StringBuilder();
            while (await _holder.StandardOutput.ReadLineAsync(late.Token) is { } line)
            {
                if (line.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and var mark)
                {
                    // Output without a final newline stands before the mark.
                    output.Append(line, 0, mark);
                    _broken = false;
                    return (output.ToString(), line[(mark + 1)..]);
                }

                output.Append(line).Append('\n');
            }

            throw new SandboxException($"{(await _errors).Trim()} {output.ToString().Trim()}".Trim());
        }
        catch (IOException)
        {
            throw new SandboxException((await _errors).Trim());
        }
        catch (ObjectDisposedException)
        {
            throw new SandboxException("the sandbox has ended");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new SandboxException($"a command inside the sandbox took longer than {CommandLimit.TotalSeconds} s");
        }
        finally
        {
            _oneAtATime.Release();
        }
    }
}

/// <summary>The machine refused a step of making or using a sandbox; the message is the tool's own.</summary>
public sealed class SandboxException(string message) : Exception(message);
