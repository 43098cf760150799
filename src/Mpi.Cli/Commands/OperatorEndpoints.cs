using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>The operator's HTTP side: <c>/healthz</c> and <c>/readyz</c> for the kubelet, <c>/metrics</c> for Prometheus, on the ports of the old operator.</summary>
internal sealed class OperatorEndpoints : IAsyncDisposable
{
    private readonly WebApplication? _application;

    private OperatorEndpoints(WebApplication? application) => _application = application;

    public static async Task<OperatorEndpoints> StartAsync(OperatorProcess process, OperatorOptions options, CancellationToken cancellation)
    {
        var ports = new[] { options.HealthPort, options.MonitoringPort }.Where(static p => p > 0).Distinct().ToArray();
        if (ports.Length == 0) return new OperatorEndpoints(null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            foreach (var port in ports) kestrel.ListenAnyIP(port);
        });
        var application = builder.Build();
        application.Run(context => AnswerAsync(context, process, options));
        await application.StartAsync(cancellation);
        return new OperatorEndpoints(application);
    }

    public async ValueTask DisposeAsync()
    {
        if (_application is not null) await _application.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext context, OperatorProcess process, OperatorOptions options)
    {
        var port = context.Connection.LocalPort;
        var (code, type, text) = context.Request.Path.Value switch
        {
            "/healthz" or "/livez" when port == options.HealthPort => Of(process.Health.Live()),
            "/readyz" when port == options.HealthPort => Of(process.Health.Ready()),
            "/metrics" when port == options.MonitoringPort => (200, PrometheusText.ContentType, PrometheusText.Format(process.Metrics.Read().Concat(ProcessMetrics.Read()))),
            _ => (404, "text/plain", "not found\n"),
        };
        context.Response.StatusCode = code;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static (int Code, string Type, string Text) Of(HealthReport report) => (report.StatusCode, "text/plain; charset=utf-8", report.ToString());
}
