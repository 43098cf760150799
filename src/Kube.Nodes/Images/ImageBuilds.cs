using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Images;

/// <summary>
/// Runs the builds of stand-ins once and keeps their output, in a folder named for everything that it depends on. A build
/// happens in a scratch folder beside it and becomes visible by one rename, so two at once, or one killed halfway, do no harm.
/// </summary>
/// <param name="cacheFolder">Made when absent; belongs to the user alone.</param>
public sealed class ImageBuilds(string cacheFolder, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>How much of a failing build's output is shown.</summary>
    private const int OutputShown = 4000;

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    public void Dispose() => _oneAtATime.Dispose();

    /// <summary>The folder with a build's output, ready to be laid over a root.</summary>
    /// <exception cref="ImageException">The build failed; its output is in the message.</exception>
    public async Task<string> OutputAsync(ImageStandIn standIn, CancellationToken cancellation)
    {
        var build = standIn.Build ?? throw new ArgumentException("The stand-in has no build", nameof(standIn));
        var finished = Path.Join(cacheFolder, Key(standIn, build));
        if (Directory.Exists(finished)) return finished;
        await _oneAtATime.WaitAsync(cancellation);
        try
        {
            if (Directory.Exists(finished)) return finished;
            Directory.CreateDirectory(cacheFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            RemoveAbandoned();
            var scratch = Path.Join(cacheFolder, ScratchName());
            try
            {
                var output = await BuildAsync(standIn, build, scratch, cancellation);
                try
                {
                    Directory.Move(output, finished);
                }
                catch (IOException) when (Directory.Exists(finished))
                {
                    // Another process was faster; what it made is the same.
                }

                return finished;
            }
            finally
            {
                Directory.Delete(scratch, recursive: true);
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private async Task<string> BuildAsync(ImageStandIn standIn, ImageBuild build, string scratch, CancellationToken cancellation)
    {
        var work = Path.Join(scratch, "work");
        var output = Path.Join(scratch, "out");
        Directory.CreateDirectory(work);
        Directory.CreateDirectory(output);
        foreach (var (source, relative) in Inputs(standIn, build))
        {
            var copy = Path.Join(work, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(source, copy);
        }

        var folders = standIn.Users.Select(static u => u.Home).Append(standIn.WorkingDirectory ?? "/").Concat(standIn.Files.Select(static f => f.Directory ? f.Path : Path.GetDirectoryName(f.Path) ?? "/"));
        foreach (var folder in folders) Directory.CreateDirectory(output + folder);

        var info = new ProcessStartInfo(build.Command[0], build.Command[1..]) { WorkingDirectory = work, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["OUT"] = output;
        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new ImageException($"{standIn.Folder}/image.yaml: the build cannot be started: {missing.Message}");
        }

        using (process)
        {
            process.StandardInput.Close();
            var said = new StringBuilder();
            var reading = Task.WhenAll(CollectAsync(process.StandardOutput, said), CollectAsync(process.StandardError, said));
            using var late = new CancellationTokenSource(Limit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
            try
            {
                await process.WaitForExitAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                ProcessTree.Kill(process.Id);
                await process.WaitForExitAsync(CancellationToken.None);
                cancellation.ThrowIfCancellationRequested();
                throw new ImageException($"{standIn.Folder}/image.yaml: the build took longer than {Limit.TotalMinutes} min");
            }

            await reading;
            if (process.ExitCode != 0)
            {
                throw new ImageException($"{standIn.Folder}/image.yaml: the build failed with exit code {process.ExitCode}: {string.Join(' ', build.Command)}\n{said.ToString().Trim()}");
            }
        }

        RemoveEmpty(output);
        return output;
    }

    private static async Task CollectAsync(StreamReader from, StringBuilder into)
    {
        while (await from.ReadLineAsync(CancellationToken.None) is { } line)
        {
            lock (into)
            {
                if (into.Length < OutputShown) into.Append(line).Append('\n');
            }
        }
    }

    /// <summary>Folders made for the command's convenience would lay themselves over the root with the wrong owner.</summary>
    private static void RemoveEmpty(string folder)
    {
        foreach (var child in Directory.GetDirectories(folder))
        {
            if (new DirectoryInfo(child).LinkTarget is not null) continue;
            RemoveEmpty(child);
            if (!Directory.EnumerateFileSystemEntries(child).Any()) Directory.Delete(child);
        }
    }

    private static string Key(ImageStandIn standIn, ImageBuild build)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add("1");
        foreach (var word in build.Command) Add(word);
        foreach (var user in standIn.Users) Add(user.Home);
        foreach (var (source, relative) in Inputs(standIn, build))
        {
            Add(relative);
            Add(((int)File.GetUnixFileMode(source)).ToString(CultureInfo.InvariantCulture));
            hash.AppendData(File.ReadAllBytes(source));
        }

        foreach (var tool in build.Tools)
        {
            // A compiler that was replaced makes other programs: a link's target, size and time stand for its content.
            var path = ImageContent.FindProgram(tool) is { } found ? MachinePath.Real(found) : tool;
            var file = new FileInfo(path);
            Add(path);
            if (file.Exists) Add($"{file.Length} {file.LastWriteTimeUtc.Ticks}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];

        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\0'));
    }

    private static IEnumerable<(string Source, string Relative)> Inputs(ImageStandIn standIn, ImageBuild build)
    {
        foreach (var input in build.Inputs)
        {
            var path = Path.GetFullPath(Path.Join(standIn.Folder, input));
            if (File.Exists(path))
            {
                yield return (path, input);
            }
            else if (Directory.Exists(path))
            {
                foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)) yield return (file, Path.Join(input, Path.GetRelativePath(path, file)));
            }
            else
            {
                throw new ImageException($"{standIn.Folder}/image.yaml: build.inputs names {input}, which is not there");
            }
        }
    }

    private static string ScratchName() =>
        string.Create(CultureInfo.InvariantCulture, $".build-{Environment.ProcessId}-{ProcessTree.Stat(Environment.ProcessId)?.StartTicks ?? 0}-{Guid.NewGuid():n}");

    /// <summary>Removes the scratch folders of processes that are no more: a PID with another start time is another process.</summary>
    private void RemoveAbandoned()
    {
        foreach (var folder in Directory.EnumerateDirectories(cacheFolder, ".build-*"))
        {
            var parts = Path.GetFileName(folder).Split('-');
            var alive = parts.Length == 4 && int.TryParse(parts[1], CultureInfo.InvariantCulture, out var pid) && ProcessTree.Stat(pid) is { } stat && stat.StartTicks.ToString(CultureInfo.InvariantCulture) == parts[2];
            if (!alive) Directory.Delete(folder, recursive: true);
        }
    }
}
