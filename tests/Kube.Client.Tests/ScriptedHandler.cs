using System.Net;
using System.Text;

namespace Kube.Client.Tests;

/// <summary>Answers requests from a script, in order, and keeps what was asked. Completes inline.</summary>
internal sealed class ScriptedHandler : HttpMessageHandler
{
    private readonly Queue<Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>>> _script = new();

    public List<string> Asked { get; } = [];

    public List<HttpRequestMessage> Requests { get; } = [];

    public int Left => _script.Count;

    public ScriptedHandler Then(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    public ScriptedHandler Json(string body, HttpStatusCode code = HttpStatusCode.OK, Action<HttpResponseMessage>? also = null) => Then((_, _) =>
    {
        var response = new HttpResponseMessage(code) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        also?.Invoke(response);
        return Task.FromResult(response);
    });

    public ScriptedHandler Status(int code, string reason, string message = "", Action<HttpResponseMessage>? also = null) => Json(
        $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{{message}}","reason":"{{reason}}","code":{{code}}}""", (HttpStatusCode)code, also);

    public ScriptedHandler Throw(Exception fault) => Then((_, _) => Task.FromException<HttpResponseMessage>(fault));

    public ScriptedHandler Stream(Stream stream) => Then((_, _) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(stream) }));

    public ScriptedHandler Watch(out PushStream stream)
    {
        stream = new PushStream();
        return Stream(stream);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : " " + await request.Content.ReadAsStringAsync(cancellationToken);
        Asked.Add($"{request.Method} {request.RequestUri!.PathAndQuery}{body}");
        Requests.Add(request);
        return _script.TryDequeue(out var answer) ? await answer(request, cancellationToken) : throw new HttpRequestException("the script has no more answers");
    }
}

/// <summary>A stream whose bytes a test pushes; a waiting read completes inline within the push.</summary>
internal sealed class PushStream : Stream
{
    private readonly Queue<byte[]> _chunks = new();
    private TaskCompletionSource? _waiter;
    private Exception? _fault;
    private bool _ended;

    public bool Disposed { get; private set; }

    public int Unread => _chunks.Sum(static c => c.Length);

    public void Push(string text) => Push(Encoding.UTF8.GetBytes(text));

    public void Push(byte[] chunk)
    {
        _chunks.Enqueue(chunk);
        Wake();
    }

    public void Line(string text) => Push(text + "\n");

    public void End()
    {
        _ended = true;
        Wake();
    }

    public void Break(Exception fault)
    {
        _fault = fault;
        Wake();
    }

    private void Wake()
    {
        var waiter = _waiter;
        _waiter = null;
        waiter?.SetResult();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_chunks.Count == 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_fault is { } fault) throw fault;
            if (_ended) return 0;
            _waiter ??= new TaskCompletionSource();
            await _waiter.Task.WaitAsync(cancellationToken);
        }

        var chunk = _chunks.Dequeue();
        var taken = Math.Min(chunk.Length, buffer.Length);
        chunk.AsMemory(0, taken).CopyTo(buffer);
        if (taken < chunk.Length)
        {
            var rest = _chunks.ToArray();
            _chunks.Clear();
            _chunks.Enqueue(chunk[taken..]);
            foreach (var later in rest) _chunks.Enqueue(later);
        }

        return taken;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    protected override void Dispose(bool disposing)
    {
        Disposed = true;
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
