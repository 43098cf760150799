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
    private readonly HashSet<string> _shells = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _looking;

    public ProcessRecording() => _looking = Task.Run(LookAsync, CancellationToken.None);

    /// <summary>The command lines of the shells that ran in containers, once it has ended.</summary>
    public ImmutableSortedSet<string> ContainerShells => [.. _shells];

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
            foreach (var (program, shell) in Machine.ProgramsAndShells(Environment.ProcessId))
            {
                if (program.Length > 0) _names.Add(program);
                if (shell is not null) _shells.Add(shell);
            }

            await Task.Delay(BetweenLooks, CancellationToken.None);
        }
    }
}
