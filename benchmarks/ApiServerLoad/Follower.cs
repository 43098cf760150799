using System.Buffers.Text;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Buffers;
using System.Net;

namespace Benchmarks.ApiServerLoad;

/// <summary>
/// A watch that reads no more of an event than it must to hold the server to its word: revisions rise, and each change comes once.
/// So the server is measured and not the client.
/// </summary>
internal sealed class Follower : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly PipeReader _reader;
    private readonly CancellationTokenSource _stop;

    private Follower(HttpResponseMessage response, Stream stream, int expected, CancellationToken cancellation)
    {
        _response = response;
        _reader = PipeReader.Create(stream);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Seen = ReadAsync(expected, _stop.Token);
    }

    /// <summary>Completes when every change has come.</summary>
    public Task Seen { get; }

    public LatencyHistogram Latencies { get; } = new();

    public static async Task<Follower> OpenAsync(HttpMessageInvoker http, Uri watch, int expected, CancellationToken cancellation)
    {
        var response = await http.SendAsync(new HttpRequestMessage(HttpMethod.Get, watch) { Version = HttpVersion.Version20 }, cancellation);
        return new Follower(response, await response.Content.ReadAsStreamAsync(cancellation), expected, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reader.CompleteAsync();
        _response.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync(int expected, CancellationToken cancellation)
    {
        await Task.Yield();
        var (count, revision) = (0, 0L);
        while (count < expected)
        {
            var result = await _reader.ReadAsync(cancellation);
            var rest = result.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                Check(rest.Slice(0, end), ref revision);
                count++;
                rest = rest.Slice(rest.GetPosition(1, end));
            }

            _reader.AdvanceTo(rest.Start, rest.End);
            if (result.IsCompleted && count < expected) throw new InvalidOperationException($"a watch ended after {count} of {expected} changes");
        }
    }

    private void Check(ReadOnlySequence<byte> line, ref long revision)
    {
        var text = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        if (!text.StartsWith("{\"type\":\"ADDED\""u8)) throw new InvalidOperationException($"another event was expected: {System.Text.Encoding.UTF8.GetString(text)}");
        var next = Number(text, "\"resourceVersion\":\""u8);
        if (next <= revision) throw new InvalidOperationException($"revision {next} came after {revision}");
        revision = next;
        Latencies.Record(Stopwatch.GetElapsedTime(Number(text, "\"at\":\""u8)));
    }

    private static long Number(ReadOnlySpan<byte> text, ReadOnlySpan<byte> before)
    {
        var at = text.IndexOf(before);
        return at >= 0 && Utf8Parser.TryParse(text[(at + before.Length)..], out long number, out _) ? number : throw new InvalidOperationException("an event without its number");
    }
}
