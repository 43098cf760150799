using System.Diagnostics;
using System.Globalization;

namespace Mpi.Operator;

/// <summary>
/// The process's own figures under the names that every Prometheus client library gives them (spec/kubeflow-mpijob.md 4.3).
/// Linux only: descriptors are counted in <c>/proc</c>.
/// </summary>
public static class ProcessMetrics
{
    /// <summary>Now. A figure that this system does not tell is left out.</summary>
    public static IEnumerable<MetricSample> Read()
    {
        using var process = Process.GetCurrentProcess();
        yield return Counter("process_cpu_seconds_total", "Processor time spent, user and system, in seconds.", process.TotalProcessorTime.TotalSeconds);
        yield return Gauge("process_resident_memory_bytes", "Memory in RAM, in bytes.", process.WorkingSet64);
        yield return Gauge("process_virtual_memory_bytes", "Address space, in bytes.", process.VirtualMemorySize64);
        yield return Gauge("process_start_time_seconds", "When it started, in seconds since 1970.", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0);
        if (Directory.Exists("/proc/self/fd")) yield return Gauge("process_open_fds", "Open file descriptors.", Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
        if (MostDescriptors() is { } most) yield return Gauge("process_max_fds", "The most file descriptors that it may open.", most);
    }

    /// <summary>Of the line <c>Max open files   1024   4096   files</c> the soft limit; null where it is not told or there is none.</summary>
    private static double? MostDescriptors()
    {
        const string Limit = "Max open files";
        if (!File.Exists("/proc/self/limits")) return null;
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(static l => l.StartsWith(Limit, StringComparison.Ordinal));
        var soft = line?[Limit.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var most) ? most : null;
    }

    private static MetricSample Counter(string name, string help, double value) => new(name, MetricType.Counter, help, [], value);

    private static MetricSample Gauge(string name, string help, double value) => new(name, MetricType.Gauge, help, [], value);
}
