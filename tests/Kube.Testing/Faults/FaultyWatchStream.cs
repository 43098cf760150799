namespace Kube.Testing;

/// <summary>A watch's stream of lines, each of which a policy may drop, repeat, hold back or end the stream at. One reader.</summary>
internal sealed class FaultyWatchStream(Stream inner, Func<ReadOnlyMemory<byte>, WatchFault?> policy, TimeProvider time) : Stream
{
    private const int MaxHeld = 100_000;

    private readonly Queue<(byte[] Line, DateTimeOffset Due)> _held = new();
    private readonly byte[] _chunk = new byte[16 * 1024];
    private readonly MemoryStream _line = new();
    private ReadOnlyMemory<byte> _current;
    private Task<int>? _reading;
    private DateTimeOffset _due = DateTimeOffset.MinValue;
    private bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_current.IsEmpty && _held.TryPeek(out var next) && next.Due <= time.GetUtcNow()) _current = _held.Dequeue().Line;
            if (!_current.IsEmpty)
            {
                var taken = Math.Min(buffer.Length, _current.Length);
                _current[..taken].CopyTo(buffer);
                _current = _current[taken..];
                return taken;
            }

            if (_ended && _held.Count == 0) return 0;
            await ReadOrBecomeDue(cancellationToken);
        }
    }

    private async Task ReadOrBecomeDue(CancellationToken cancellation)
    {
        if (!_ended) _reading ??= inner.ReadAsync(_chunk, cancellation).AsTask();
        if (_reading is { IsCompleted: false } or null && _held.TryPeek(out var next))
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            // A timer counts whole milliseconds and rounds down: it would end a fraction too early, again and again.
            var due = Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling((next.Due - time.GetUtcNow()).TotalMilliseconds)), time, ended.Token);
            await Task.WhenAny(_reading ?? due, due);
            ended.Cancel();
            cancellation.ThrowIfCancellationRequested();
            if (_reading is not { IsCompleted: true }) return;
        }

        if (_reading is null) return;
        var read = await _reading;
        _reading = null;
        if (read == 0) _ended = true;
        for (var i = 0; i < read && !_ended; i++)
        {
            _line.WriteByte(_chunk[i]);
            if (_chunk[i] != (byte)'\n') continue;
            Judge(_line.ToArray());
            _line.SetLength(0);
        }
    }

    private void Judge(byte[] line)
    {
        if (_held.Count >= MaxHeld) throw new StepperException($"a delayed watch holds back {MaxHeld} events");
        var fault = policy(line);
        if (fault is WatchFault.Drop) return;
        if (fault is WatchFault.Cut)
        {
            _ended = true;
            return;
        }

        var now = time.GetUtcNow();
        if (fault is WatchFault.Delay delay && now + delay.By > _due) _due = now + delay.By;
        _held.Enqueue((line, _due > now ? _due : now));
        if (fault is WatchFault.Duplicate) _held.Enqueue((line, _due > now ? _due : now));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            _line.Dispose();
        }

        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
