using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace Benchmarks.ApiServerLoad;

internal sealed record LoadPlan(int Objects, int Writers, int Watchers);

/// <summary>One run of the load, and what it shows.</summary>
internal static class LoadRun
{
    private const string Objects = "api/v1/namespaces/default/configmaps";

    public static async Task ExecuteAsync(LoadPlan plan, HttpMessageInvoker http, Uri address, string how, CancellationToken cancellation)
    {
        Console.WriteLine($"{plan.Objects:N0} objects, {plan.Writers} writers, {plan.Watchers} watchers, {how}");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watchers = new List<Follower>();
        for (var i = 0; i < plan.Watchers; i++) watchers.Add(await Follower.OpenAsync(http, new Uri(address, $"{Objects}?watch=1&labelSelector=app%3Dload"), plan.Objects, cancellation));

        var began = Stopwatch.GetTimestamp();
        var (allocated, used) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime);
        var writes = new LatencyHistogram();
        await Parallel.ForAsync(0, plan.Writers, new ParallelOptions { MaxDegreeOfParallelism = plan.Writers, CancellationToken = cancellation },
            async (writer, token) => await WriteAsync(plan, writer, http, address, writes, token));
        var written = Stopwatch.GetElapsedTime(began);
        await Task.WhenAll(watchers.Select(static w => w.Seen));
        var seen = Stopwatch.GetElapsedTime(began);

        var events = new LatencyHistogram();
        foreach (var watcher in watchers) events.Add(watcher.Latencies);
        Console.WriteLine($"creations          {plan.Objects / written.TotalSeconds:N0}/s; {writes}");
        Console.WriteLine($"events             {(double)plan.Objects * plan.Watchers / seen.TotalSeconds:N0}/s; each watcher saw every change once and in order");
        Console.WriteLine($"write to event     {events}");
        Console.WriteLine($"a creation costs   {(Environment.CpuUsage.TotalTime - used).TotalMicroseconds / plan.Objects:N0} us of CPU and {(GC.GetTotalAllocatedBytes() - allocated) / plan.Objects:N0} bytes allocated, with the events and their clients");
        Console.WriteLine($"working set        {Environment.WorkingSet / 1024 / 1024:N0} MiB with the watchers, the log of all changes and their clients");
        foreach (var watcher in watchers) await watcher.DisposeAsync();
        await ListAsync("list, one answer", new Uri(address, Objects), http, cancellation);
        await PagesAsync(address, http, cancellation);
        Console.WriteLine($"bytes an object    {(GC.GetTotalMemory(forceFullCollection: true) - before) / plan.Objects:N0}, its change in the log included");
    }

    private static async Task WriteAsync(LoadPlan plan, int writer, HttpMessageInvoker http, Uri address, LatencyHistogram latencies, CancellationToken cancellation)
    {
        for (var i = writer; i < plan.Objects; i += plan.Writers)
        {
            var began = Stopwatch.GetTimestamp();
            var body = $$$"""{"metadata":{"name":"load-{{{i}}}","labels":{"app":"load","shard":"{{{i % 16}}}"}},"data":{"at":"{{{began}}}","text":"what a small object of a job holds"}}""";
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, Objects)) { Content = new StringContent(body, Encoding.UTF8, "application/json"), Version = HttpVersion.Version20 };
            using var response = await http.SendAsync(request, cancellation);
            await response.Content.CopyToAsync(Stream.Null, cancellation);
            if (response.StatusCode != HttpStatusCode.Created) throw new InvalidOperationException($"a creation was answered with {response.StatusCode}");
            latencies.Record(Stopwatch.GetElapsedTime(began));
        }
    }

    private static async Task ListAsync(string what, Uri uri, HttpMessageInvoker http, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = HttpVersion.Version20 };
        using var response = await http.SendAsync(request, cancellation);
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
        Console.WriteLine($"{what,-19}{Stopwatch.GetElapsedTime(began).TotalMilliseconds:N0} ms, {bytes.Length / 1e6:N1} MB");
    }

    private static async Task PagesAsync(Uri address, HttpMessageInvoker http, CancellationToken cancellation)
    {
        var (token, latencies) = ("", new LatencyHistogram());
        do
        {
            var began = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, $"{Objects}?limit=500&continue={token}")) { Version = HttpVersion.Version20 };
            using var response = await http.SendAsync(request, cancellation);
            var head = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation)).RootElement.GetProperty("metadata");
            token = head.TryGetProperty("continue", out var next) ? next.GetString()! : "";
            latencies.Record(Stopwatch.GetElapsedTime(began));
        }
        while (token.Length > 0);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"list, pages of 500 {latencies} a page"));
    }
}
