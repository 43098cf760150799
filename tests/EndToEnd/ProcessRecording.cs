using System.Collections.Immutable;

namespace EndToEnd;

/// <summary>
/// The names of the programs that run below this process while it lasts, pods' among them, from /proc. Looks so often that a login or a
/// daemon cannot slip through; what lives for less than that is not claimed to be seen.
/// </summary>
internal sealed class ProcessRecording : IAsyncDisposable
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _looking;

    public ProcessRecording() => _looking = Task.Run(LookAsync, CancellationToken.None);

    public async Task<ImmutableSortedSet<string>> EndAsync()
    {
        await _stop.CancelAsync();
        await _looking;
        return [.. _names];
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _stop.Dispose();
    }

    private async Task LookAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // A process changes its name when it becomes another program, so each is looked at again.
            _names.UnionWith(Machine.Programs(Environment.ProcessId));
            await Task.Delay(BetweenLooks, CancellationToken.None);
        }
    }
}
