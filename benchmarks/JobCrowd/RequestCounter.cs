namespace Benchmarks.JobCrowd;

/// <summary>Counts what passes: writes, and reads of single objects. Lists and watches belong to no job.</summary>
internal sealed class RequestCounter(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private long _writes;
    private long _reads;

    public long Writes => Interlocked.Read(ref _writes);
    public long Reads => Interlocked.Read(ref _reads);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method != HttpMethod.Get) Interlocked.Increment(ref _writes);
        else if (request.RequestUri!.Query.Length == 0) Interlocked.Increment(ref _reads);
        return base.SendAsync(request, cancellationToken);
    }
}
