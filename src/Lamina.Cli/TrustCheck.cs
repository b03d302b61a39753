using Lamina.Checking;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary>Makes sure of images and devices before they are used, and says what is wrong with them.</summary>
internal static class TrustCheck
{
    /// <summary>Goes on only if a root hash covers an image and all its devices.</summary>
    /// <exception cref="NoException">It does not.</exception>
    public static void Require(string image, string[] devices, string rootHash, string? hashFile, ProgressLine progress)
    {
        TrustReport report = TrustedImage.Verify(image, devices, VerityArguments.ParseRootHash(rootHash), hashFile,
            new WorkOptions { Progress = progress });
        progress.Complete();
        if (!report.Image.IsSound)
            throw new NoException(string.Join('\n', FaultsOf(image, report)),
                "It is not what the root hash says; nothing was used.");
        Require(image, report.Devices!);
    }

    /// <summary>What is wrong, a line each.</summary>
    public static IEnumerable<string> FaultsOf(string image, TrustReport report)
    {
        foreach (string fault in report.Image.Faults)
            yield return fault;
        if (report.Image.FaultCount > report.Image.Faults.Count)
            yield return $"{image}: {Texts.Number(report.Image.FaultCount - report.Image.Faults.Count)} more of these";
        foreach (DeviceFault fault in report.Devices?.Faults ?? [])
            yield return Describe(image, fault);
    }

    /// <summary>Goes on only if devices are the right ones.</summary>
    /// <exception cref="NoException">They are not.</exception>
    public static void Require(string image, DeviceReport report)
    {
        if (report.IsSound)
            return;
        string advice = report.RightOrder is { } order
            ? $"They are the right ones in a wrong order: lamina mount {ShellText.Quote(LayerOpener.Join(image, order))} DIR"
            : $"Nothing was mounted. See what it was made with: lamina inspect {ShellText.Quote(image)}";
        throw new NoException(string.Join('\n', report.Faults.Select(fault => Describe(image, fault))), advice);
    }

    private static string Describe(string image, DeviceFault fault)
    {
        string what = fault.IsRootHash ? "root hash" : "SHA-256";
        string digests = fault.Expected is null ? "" : $": {what} {fault.Found}, expected {fault.Expected}";
        return fault.Device is null ? $"{image}: {fault.What}"
            : $"{image}: device {fault.Slot}: {fault.Device} {fault.What}{digests}";
    }
}
