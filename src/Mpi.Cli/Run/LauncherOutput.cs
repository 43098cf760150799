using System.Buffers;
using System.Text;
using Kube.Client;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>
/// Passes on what the launchers print, whole lines at a time, each log from its beginning. One after the other: a
/// retry starts only after the run before it has ended.
/// </summary>
public sealed class LauncherOutput(KubeClient client, string ns, Action<string> write)
{
    private readonly HashSet<(string Pod, int Restart)> _followed = [];
    private Task _last = Task.CompletedTask;

    /// <summary>Completes when everything that the launchers followed so far had to say has been passed on.</summary>
    public Task Drained => _last;

    /// <summary>Begins to follow a container; a second call for the same run of it does nothing.</summary>
    /// <param name="restart">The container's restartCount: a log ends with the run of the container that wrote it.</param>
    public void Follow(string pod, string container, int restart, CancellationToken cancellation)
    {
        if (_followed.Add((pod, restart))) _last = PassOnAsync(_last, pod, container, cancellation);
    }

    private async Task PassOnAsync(Task before, string pod, string container, CancellationToken cancellation)
    {
        await before;
        try
        {
            await using var log = await client.OpenLogAsync(ns, pod, new LogOptions(container, Follow: true), cancellation);
            await CopyLinesAsync(log, cancellation);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
        {
            // The pod is gone or was cut off: what it said until then has been passed on.
            write($"kubempi: the output of {pod} ends here: {e.Message}\n");
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private async Task CopyLinesAsync(Stream log, CancellationToken cancellation)
    {
        var pending = new ArrayBufferWriter<byte>();
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = await log.ReadAsync(buffer, cancellation)) > 0)
        {
            var chunk = buffer.AsMemory(0, count);
            // A line may be cut anywhere, in the middle of a character too; what is without an end waits for it, up to a bound.
            var end = chunk.Span.LastIndexOf((byte)'\n') + 1;
            if (end == 0 && pending.WrittenCount + count < 1 << 20)
            {
                pending.Write(chunk.Span);
                continue;
            }

            if (end == 0) end = count;
            pending.Write(chunk.Span[..end]);
            write(Encoding.UTF8.GetString(pending.WrittenSpan));
            pending.ResetWrittenCount();
            pending.Write(chunk.Span[end..]);
        }

        if (pending.WrittenCount > 0) write(Encoding.UTF8.GetString(pending.WrittenSpan) + "\n");
    }
}
