using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>
/// What the operator counts: the old operator's five names (spec/kubeflow-mpijob.md 4.3), kept to the letter. Each is an
/// instrument of a <see cref="Meter"/> for OpenTelemetry, and a sample for <see cref="PrometheusText"/>. Thread-safe.
/// </summary>
public sealed class OperatorMetrics : IDisposable
{
    public const string MeterName = "KubeMPI.Operator";

    private readonly Meter _meter = new(MeterName);
    private readonly Dictionary<PlanCounter, Tally> _counters = [];
    private readonly ConcurrentDictionary<string, ObjectKey> _launchers = new(StringComparer.Ordinal);

    private sealed class Tally(string name, string help, Counter<long> counter)
    {
        private long _value;
        public string Name => name;
        public string Help => help;
        public long Value => Interlocked.Read(ref _value);

        public void Add()
        {
            Interlocked.Increment(ref _value);
            counter.Add(1);
        }
    }

    /// <param name="isLeader">Asked at each reading.</param>
    public OperatorMetrics(Func<bool> isLeader)
    {
        IsLeader = isLeader;
        Count(PlanCounter.JobsCreated, "mpi_operator_jobs_created_total", "Jobs whose Created condition was written.");
        Count(PlanCounter.JobsSuccessful, "mpi_operator_jobs_successful_total", "Jobs that ended Succeeded.");
        Count(PlanCounter.JobsFailed, "mpi_operator_jobs_failed_total", "Jobs that ended Failed.");
        Count(PlanCounter.JobsRestarted, "mpi_operator_jobs_restarted_total", "Attempts after the first.");
        _meter.CreateObservableGauge("mpi_operator_is_leader", () => isLeader() ? 1L : 0L);
        _meter.CreateObservableGauge("mpi_operator_job_info", () => _launchers.Select(static j => new Measurement<long>(
            1, new KeyValuePair<string, object?>("launcher", j.Value.Name), new KeyValuePair<string, object?>("namespace", j.Value.Namespace))));
    }

    private Func<bool> IsLeader { get; }

    public void Add(PlanCounter counter) => _counters[counter].Add();

    /// <summary>Announces a job, by its uid, whose launcher exists.</summary>
    public void JobSeen(string uid, ObjectKey launcher) => _launchers[uid] = launcher;

    /// <summary>Withdraws a job that is gone: the old operator kept such series for ever.</summary>
    public void JobGone(string uid) => _launchers.TryRemove(uid, out _);

    public long Value(PlanCounter counter) => _counters[counter].Value;

    /// <summary>All series now. Every counter is there from the start, at zero.</summary>
    public IEnumerable<MetricSample> Read()
    {
        foreach (var tally in _counters.Values) yield return new MetricSample(tally.Name, MetricType.Counter, tally.Help, [], tally.Value);
        yield return new MetricSample("mpi_operator_is_leader", MetricType.Gauge, "1 while this process holds the lease.", [], IsLeader() ? 1 : 0);
        foreach (var launcher in _launchers.Values.Order())
        {
            yield return new MetricSample("mpi_operator_job_info", MetricType.Gauge, "1 for each job that has a launcher.", [new("launcher", launcher.Name), new("namespace", launcher.Namespace)], 1);
        }
    }

    public void Dispose() => _meter.Dispose();

    private void Count(PlanCounter counter, string name, string help) => _counters[counter] = new Tally(name, help, _meter.CreateCounter<long>(name, description: help));
}
